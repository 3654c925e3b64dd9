// Exponential back-off with jitter, as a pure function of the attempt.
#pragma once

#include <algorithm>
#include <random>

#include "common/base/clock.h"

namespace imagebuild {

struct Backoff {
  Duration first{800};
  double factor = 2.0;
  Duration limit{30'000};
  double jitter = 0.2;  ///< the delay is spread over ±jitter

  /// Delay before attempt `attempt` (0 = the first retry), without jitter.
  Duration base(unsigned attempt) const {
    double delay = static_cast<double>(first.count());
    for (unsigned i = 0; i < attempt && delay < static_cast<double>(limit.count()); ++i)
      delay *= factor;
    return std::min(Duration(static_cast<Duration::rep>(delay)), limit);
  }
  /// `unit` in [0,1) picks the place within the jitter.
  Duration delay(unsigned attempt, double unit) const {
    double base_delay = static_cast<double>(base(attempt).count());
    return Duration(static_cast<Duration::rep>(base_delay * (1 + jitter * (2 * unit - 1))));
  }
};

/// A random number in [0,1) from a per-thread generator.
inline double random_unit() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(generator);
}

}  // namespace imagebuild
