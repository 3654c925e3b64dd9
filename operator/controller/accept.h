// What a successful build changes in the status: image, inputs, baseline. Pure.
#pragma once

#include <string>

#include "common/api/status.h"
#include "common/contract/build_report.h"

namespace imagebuild::controller {

/// Writes image, inputs and baseline of `status` from the report of `status.build`, which must be
/// set. `key` is the identity's.
void accept_image(api::Status& status, const api::Spec& spec, const std::string& key,
                  const contract::BuildReport& report, const std::string& now);

/// Puts `status.build`, which just ended, in front of the history (at most 10).
void record_history(api::Status& status, const std::string& digest, std::uint64_t size_bytes,
                    std::uint64_t own_size_bytes);

/// "+0.7%", "±0.0%", "-12.5%".
std::string percent_delta(std::uint64_t before, std::uint64_t after);

}  // namespace imagebuild::controller
