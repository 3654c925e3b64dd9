// The heart of the operator: what is, in; what to do, out. Pure, so every state and failure is a
// row of a test.
//
// A decision may first ask to know more (`needs`): the caller observes that and asks again. Nothing
// is written before a decision without needs, and whatever creates a pod or calls one lost was
// decided on a consistent read.
//
// The order of writes makes a crash harmless: the attempt (pod name included) is recorded in the
// status before its pod is created. Recorded and never seen: create that very name. Seen and gone:
// lost, next attempt.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/api/status.h"
#include "operator/controller/build_queue.h"
#include "operator/controller/builder_pod.h"
#include "operator/controller/pod_view.h"

namespace imagebuild::controller {

struct ResolvedCommit {
  std::string
      commit;  ///< "": the operator cannot look (private, unreachable); the builder resolves
  std::string revision;
};

struct Snapshot {
  api::ImageBuild object;
  std::vector<PodView> pods;  ///< every pod with the object's UID as owner
  TimePoint now;
  double unit = 0;  ///< in [0,1): the place within jitters

  // Known only after a decision needed it:
  bool fresh = false;              ///< object and pods are from consistent reads
  std::optional<SlotAnswer> slot;  ///< may build now (--max-concurrent-builds…)
  std::optional<ResolvedCommit> commit;
  std::optional<std::string> conflict;  ///< "" or the older object that pushes the same tag
  std::optional<std::string>
      log_tail;  ///< of the pod that just finished; "" if it could not be had
};

struct Needs {
  bool fresh = false, slot = false, commit = false, conflict = false;
  std::string log_of_pod;  ///< tail this pod's log
  std::int64_t log_lines = 0;

  bool any() const { return fresh || slot || commit || conflict || !log_of_pod.empty(); }
};

struct PodToDelete {
  std::string name, uid;
};

struct EventNote {
  bool warning = false;
  std::string reason, note;
};

/// For the counters, once the status that says so is written.
struct FinishedBuild {
  std::string result, trigger;
  std::optional<api::Failure> failure;
  std::optional<contract::BuildReport> report;
};

struct Decision {
  Needs needs;
  api::Status status;
  std::vector<PodToDelete> delete_pods;
  std::optional<Json> create_pod;
  std::vector<EventNote> events;
  std::optional<FinishedBuild> finished;
  std::optional<Duration> requeue_after;
  bool holds_slot = false;  ///< has, or is about to have, a pod that runs
  bool waits_for_slot = false;
};

Decision decide(const Snapshot& snapshot, const PodSettings& settings);

/// The status after the API server refused the recorded build's pod (quota, admission,
/// an invalid field).
api::Status refuse_build(api::Status status, std::string message, const std::string& now);

}  // namespace imagebuild::controller
