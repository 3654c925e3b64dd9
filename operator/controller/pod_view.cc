#include "operator/controller/pod_view.h"

#include <charconv>

namespace imagebuild::controller {
namespace {

using api::Failure;
using api::FailureClass;
namespace reason = api::reason;

const Json* condition(const Json& pod, std::string_view type) {
  const Json* conditions = find_path(pod, {"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) return nullptr;
  for (const Json& item : *conditions)
    if (string_at(item, {"type"}) == type) return &item;
  return nullptr;
}

const Json* builder_container(const Json& pod) {
  const Json* containers = find_path(pod, {"status", "containerStatuses"});
  if (containers == nullptr || !containers->is_array()) return nullptr;
  for (const Json& item : *containers)
    if (string_at(item, {"name"}) == kContainer) return &item;
  return nullptr;
}

void read_owner(const Json& pod, PodView& view) {
  const Json* owners = find_path(pod, {"metadata", "ownerReferences"});
  if (owners == nullptr || !owners->is_array()) return;
  for (const Json& owner : *owners) {
    const Json* controls = find_path(owner, {"controller"});
    if (string_at(owner, {"kind"}) != "ImageBuild" || controls == nullptr ||
        *controls != Json(true))
      continue;
    view.owner_name = string_at(owner, {"name"});
    view.owner_uid = string_at(owner, {"uid"});
  }
}

void read_container(const Json& container, PodView& view) {
  view.waiting_reason = string_at(container, {"state", "waiting", "reason"});
  view.waiting_message = string_at(container, {"state", "waiting", "message"});
  view.started_at = string_at(container, {"state", "running", "startedAt"});
  const Json* terminated = find_path(container, {"state", "terminated"});
  if (terminated == nullptr) return;
  view.terminated = true;
  view.started_at = string_at(*terminated, {"startedAt"});
  view.finished_at = string_at(*terminated, {"finishedAt"});
  view.termination_reason = string_at(*terminated, {"reason"});
  view.termination_message = string_at(*terminated, {"message"});
  if (const Json* code = find_path(*terminated, {"exitCode"});
      code != nullptr && code->is_number_integer())
    view.exit_code = code->get<int>();
}

/// A failure the kubelet reports, with the step the builder had noted last.
Failure outside_failure(FailureClass failure_class, std::string_view why, std::string message,
                        const std::optional<contract::BuildReport>& report) {
  Failure failure{
      .failure_class = failure_class, .reason = std::string(why), .message = std::move(message)};
  if (!report) return failure;
  if (report->failure) {
    failure.stage = report->failure->stage;
    failure.line = report->failure->line;
    failure.exit_code = report->failure->exit_code;
    failure.log_tail = report->failure->log_tail;
  } else if (report->state == contract::ReportState::Running) {
    failure.stage = report->stage;
    failure.line = report->line;
    if (!report->step.empty()) failure.message += " in step " + report->step;
  }
  return failure;
}

PodPending pending_state(const PodView& pod) {
  const std::string& why = pod.waiting_reason;
  if (!pod.unschedulable.empty()) return {reason::kPodUnschedulable, pod.unschedulable};
  if (why == "ErrImagePull" || why == "ImagePullBackOff" || why == "InvalidImageName" ||
      why == "ErrImageNeverPull" || why == "ImageInspectError" || why == "RegistryUnavailable")
    return {reason::kPodImagePullFailed, why + ": " + pod.waiting_message};
  if (why == "CreateContainerError" || why == "CreateContainerConfigError" ||
      why == "RunContainerError") {
    bool seccomp = pod.waiting_message.find("seccomp") != std::string::npos;
    return {seccomp ? reason::kSeccompProfileMissing : reason::kPodCreateFailed,
            why + ": " + pod.waiting_message};
  }
  return {"", why.empty() ? "waiting for the node" : why};
}

/// Exit codes of the builder, when it left no report.
Failure failure_from_exit(int code) {
  std::string message =
      "the builder ended with exit code " + std::to_string(code) + " and left no report";
  FailureClass failure_class = code == 1                ? FailureClass::Terminal
                               : code == 2 || code == 3 ? FailureClass::Config
                                                        : FailureClass::Transient;
  return {.failure_class = failure_class,
          .reason = std::string(reason::kBuilderCrashed),
          .message = message,
          .exit_code = code};
}

PodFinished finished_state(const PodView& pod) {
  PodFinished state;
  if (auto report = contract::parse_termination_message(pod.termination_message))
    state.report = *report;
  const bool done = state.report && state.report->state == contract::ReportState::Done;
  auto failed = [&](FailureClass failure_class, std::string_view why, std::string message) {
    state.failure = outside_failure(failure_class, why, std::move(message), state.report);
    return state;
  };
  const bool succeeded = done && (state.report->result == contract::BuildResult::Success ||
                                  state.report->result == contract::BuildResult::Unchanged);
  // What the kubelet reports, also for a build that finished before the kill: its image is pushed.
  if (succeeded && pod.exit_code == 0) return state;
  if (pod.termination_reason == "OOMKilled")
    return failed(FailureClass::Transient, reason::kOomKilled, "the builder ran out of memory");
  if (pod.reason == "DeadlineExceeded") {
    if (pod.started_at.empty() && !done) {
      PodPending pending = pending_state(pod);
      return failed(FailureClass::Config,
                    pending.reason.empty() ? reason::kPodCreateFailed : pending.reason,
                    "the pod did not start in time: " + pending.message);
    }
    return failed(FailureClass::Terminal, reason::kTimeout,
                  "the build took longer than spec.timeout");
  }
  if (pod.reason == "Evicted" || pod.reason == "Preempting" || pod.disrupted)
    return failed(FailureClass::Transient, reason::kEvicted, "the pod was evicted: " + pod.message);
  if (done && state.report->failure) {
    state.failure = state.report->failure;
    return state;
  }
  if (!pod.terminated || pod.reason == "NodeLost" || pod.reason == "NodeShutdown" ||
      pod.reason == "Terminated" || pod.reason == "Shutdown")
    return failed(
        FailureClass::Transient, reason::kPodLost,
        "the pod failed without a result: " + (pod.message.empty() ? pod.reason : pod.message));
  if (state.report && state.report->state == contract::ReportState::Running)
    return failed(FailureClass::Transient, reason::kBuilderCrashed,
                  "the builder ended with exit code " + std::to_string(pod.exit_code.value_or(-1)));
  if (pod.exit_code.value_or(0) != 0) {
    state.failure = failure_from_exit(*pod.exit_code);
    if (!pod.termination_message.empty() && !state.report)
      state.failure->log_tail = api::clip_front(pod.termination_message, 1536);
    return state;
  }
  return failed(FailureClass::Transient, reason::kBuilderCrashed,
                "the builder ended without a report");
}

}  // namespace

PodView pod_view_from_json(const Json& pod) {
  PodView view{.name_space = string_at(pod, {"metadata", "namespace"}),
               .name = string_at(pod, {"metadata", "name"}),
               .uid = string_at(pod, {"metadata", "uid"}),
               .resource_version = string_at(pod, {"metadata", "resourceVersion"})};
  read_owner(pod, view);
  view.hash = string_at(pod, {"metadata", "labels", kHashLabel});
  view.trigger = string_at(pod, {"metadata", "labels", kTriggerLabel});
  const std::string attempt = string_at(pod, {"metadata", "labels", kAttemptLabel});
  std::from_chars(attempt.data(), attempt.data() + attempt.size(), view.attempt);
  view.created_at = string_at(pod, {"metadata", "creationTimestamp"});
  view.deleting = !string_at(pod, {"metadata", "deletionTimestamp"}).empty();
  view.phase = string_at(pod, {"status", "phase"});
  view.reason = string_at(pod, {"status", "reason"});
  view.message = api::clip_back(string_at(pod, {"status", "message"}), 512);
  if (const Json* scheduled = condition(pod, "PodScheduled");
      scheduled != nullptr && string_at(*scheduled, {"status"}) == "False")
    view.unschedulable = api::clip_back(
        string_at(*scheduled, {"reason"}) + ": " + string_at(*scheduled, {"message"}), 512);
  if (const Json* target = condition(pod, "DisruptionTarget"); target != nullptr)
    view.disrupted = string_at(*target, {"status"}) == "True";
  if (const Json* container = builder_container(pod); container != nullptr)
    read_container(*container, view);
  return view;
}

PodState pod_state(const PodView& pod) {
  // The kubelet calls a pod that is being deleted Failed before it says how the container ended.
  if (pod.finished() && pod.deleting && !pod.terminated && pod.reason.empty()) return PodRunning{};
  // A container may have terminated before the phase says so.
  if (pod.finished() || pod.terminated) return finished_state(pod);
  if (pod.phase == "Running" && !pod.started_at.empty()) return PodRunning{};
  return pending_state(pod);
}

api::Failure pod_lost() {
  return {.failure_class = FailureClass::Transient,
          .reason = std::string(reason::kPodLost),
          .message = "the pod was deleted, or its node was lost, before the build finished"};
}

}  // namespace imagebuild::controller
