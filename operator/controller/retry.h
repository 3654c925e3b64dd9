// When does a failed build run again? Pure.
#pragma once

#include <optional>

#include "common/api/status.h"
#include "common/base/clock.h"

namespace imagebuild::controller {

struct RetryPlan {
  bool never = false;  ///< until the inputs or the settings change
  Duration wait{};     ///< from now; zero: at once
};

/// Transient: 10 s, 30 s, 90 s … up to 10 min, at most spec.retries times. Config: every 1 to 10
/// min. Terminal: never for the same inputs. A changed object (generation) is somebody's answer to
/// the failure: at once, unless the failure is in the inputs themselves.
RetryPlan plan_retry(const api::Build& build, const api::Spec& spec, std::int64_t generation,
                     TimePoint now);

}  // namespace imagebuild::controller
