// Which finished pods are kept for people to read their logs: spec.history. Pure.
#pragma once

#include <optional>
#include <vector>

#include "common/api/spec.h"
#include "operator/controller/pod_view.h"

namespace imagebuild::controller {

struct Retention {
  std::vector<PodView> expired;
  std::optional<Duration> next;  ///< when the next of the kept ones exceeds the ttl
};

/// `pods` are finished ones whose result is recorded. The newest of each kind are kept.
Retention plan_retention(std::vector<PodView> pods, const api::History& history, TimePoint now);

}  // namespace imagebuild::controller
