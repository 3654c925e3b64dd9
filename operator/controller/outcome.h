// What became of the build that is recorded as running, read off its pod into the status. Pure.
#pragma once

#include <optional>
#include <string>

#include "operator/controller/visit.h"

namespace imagebuild::controller {

/// Takes what the active build's pod says into the status. False: more has to be known first.
bool fold_active_build(Visit& visit);

/// The active build has ended so: into the status, the history, the counters and the events.
/// `report` may be null; `ended` is RFC 3339.
void end_build(Visit& visit, const std::string& result, std::optional<api::Failure> failure,
               const contract::BuildReport* report, const std::string& ended);

/// Message of Ready=True: the accepted image, its size, how that changed. "" without an image.
std::string success_message(const api::Status& status);

}  // namespace imagebuild::controller
