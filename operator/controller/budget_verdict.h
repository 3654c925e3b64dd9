// What is said of an image that exceeds spec.budget: every limit, then the layer that grew most.
// Pure.
#pragma once

#include <string>

#include "common/api/status.h"
#include "common/contract/build_report.h"

namespace imagebuild::controller {

/// Of the accepted image and the budget as it stands now; "" when it is within.
std::string exceeded_message(const api::Spec& spec, const api::Image& image);

/// Of an image whose tags were not moved: the builder's failure, and the growth against the image
/// that is accepted.
std::string blocked_message(const api::Failure& failure, const api::Spec& spec,
                            const api::Status& status, const contract::BuildReport& report);

}  // namespace imagebuild::controller
