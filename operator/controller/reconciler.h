// Observe → decide → apply for one ImageBuild. The only code of the controller that reads and
// writes the API server.
//
// One status patch per visit, with the resourceVersion the decision was made on, before anything
// else is written; then the pod is created, then pods are deleted, then events and counters.
// Stopping between any two of these loses nothing and repeats nothing.
#pragma once

#include <atomic>
#include <functional>
#include <stop_token>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/kube/client.h"
#include "operator/controller/build_queue.h"
#include "operator/controller/commit_resolver.h"
#include "operator/controller/decide.h"
#include "operator/controller/events.h"
#include "operator/controller/indexes.h"
#include "operator/runtime/controller.h"
#include "operator/telemetry/build_observer.h"

namespace imagebuild::controller {

class Reconciler {
 public:
  // Shared with the informer's store: the same immutable value.
  using FindObject = std::function<std::shared_ptr<const api::ImageBuild>(const kube::ObjectKey&)>;

  struct Parts {
    kube::Client& client;
    FindObject find_object;
    const PodIndex& pods;
    const TagIndex& tags;
    BuildQueue& slots;
    CommitResolver resolve_commit;
    EventRecorder& events;
    telemetry::BuildObserver& metrics;
    const Clock& clock;
    Logger log;
    std::function<bool()> may_write = [] { return true; };  ///< "we are the leader"
  };

  Reconciler(Parts parts, PodSettings settings);

  Result<runtime::Outcome> reconcile(const kube::ObjectKey& key, const std::stop_token& stop);
  PodShape shape() const { return shape_; }

 private:
  // observe.cc
  std::optional<Snapshot> observe_cached(const kube::ObjectKey& key) const;
  Result<void> learn(const kube::ObjectKey& key, const Needs& needs, Snapshot& snapshot,
                     const std::stop_token& stop);
  Result<bool> observe_fresh(const kube::ObjectKey& key, Snapshot& snapshot,
                             const std::stop_token& stop) const;

  // apply.cc
  Result<void> apply(const Snapshot& snapshot, Decision& decision, const std::stop_token& stop);
  kube::ApiResult<void> write_status(const api::ImageBuild& object, const api::Status& status,
                                     const std::stop_token& stop);
  Result<void> create_pod(const api::ImageBuild& object, const Decision& decision,
                          const std::stop_token& stop);
  Result<void> check_created_pod(const Json& pod, const std::stop_token& stop);
  Result<void> refuse(const api::ImageBuild& object, const Decision& decision,
                      const std::string& message, const std::stop_token& stop);
  void count(const api::ImageBuild& object, const Decision& decision);

  const Parts parts_;
  const PodSettings settings_;
  std::atomic<PodShape> shape_;
};

/// The merge patch (RFC 7386) that turns `before` into `after`; null when they are equal.
Json merge_patch_between(const Json& before, const Json& after);

}  // namespace imagebuild::controller
