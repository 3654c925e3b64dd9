// What the controller tells the metrics about builds. Label values come from closed sets, never
// from users' text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/api/failure.h"

namespace imagebuild::telemetry {

struct BuildOutcome {
  std::string name_space, result, trigger;
  std::optional<api::Failure> failure;
  bool measured = false;  ///< the builder reported the rest
  double pull_seconds = 0, context_seconds = 0, run_seconds = 0, push_seconds = 0,
         total_seconds = 0;
  std::uint64_t pushed_bytes = 0, skipped_bytes = 0, cache_hits = 0, cache_misses = 0;
};

class BuildObserver {
 public:
  virtual ~BuildObserver() = default;
  virtual void build_finished(const BuildOutcome& outcome) = 0;
  /// A build got its slot after this many seconds.
  virtual void build_waited(double seconds) = 0;
};

}  // namespace imagebuild::telemetry
