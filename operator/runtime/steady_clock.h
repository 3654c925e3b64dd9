// Time that only moves forward, for delays and deadlines: a wall clock that is set must
// not make a leader believe that it still holds its lease. Its points mean nothing
// except relative to each other.
#pragma once

#include "common/base/clock.h"

namespace imagebuild::runtime {

class SteadyClock final : public Clock {
 public:
  TimePoint now() const override {
    return TimePoint(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
  }
};

inline const Clock& steady_clock() {
  static const SteadyClock clock;
  return clock;
}

}  // namespace imagebuild::runtime
