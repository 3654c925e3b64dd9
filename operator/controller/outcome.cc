#include "operator/controller/outcome.h"

#include "common/base/byte_size.h"
#include "operator/controller/accept.h"
#include "operator/controller/budget_verdict.h"
#include "operator/controller/retry.h"

namespace imagebuild::controller {
namespace {

using contract::BuildResult;

bool is_over_budget(const api::Failure& failure) {
  return failure.reason == api::reason::kSizeBudgetExceeded;
}

api::Failure no_image_reported() {
  return {.failure_class = api::FailureClass::Transient,
          .reason = std::string(api::reason::kBuilderCrashed),
          .message = "the builder reported success and no image"};
}

void note_pending(Visit& visit, const PodView& pod, const PodPending& pending) {
  Situation& situation = visit.situation;
  situation.activity = Activity::Pending;
  situation.reason = std::string(pending.reason);
  situation.message = "pod " + pod.name + ": " + pending.message;
  if (pending.reason.empty()) return;
  auto created = parse_rfc3339(pod.created_at);
  if (!created) return;
  const TimePoint late = *created + visit.settings.pending_timeout;
  if (visit.snapshot.now >= late)
    situation.activity = Activity::PodPending;
  else
    visit.requeue_in(late - visit.snapshot.now);
}

void note_failure(Visit& visit, const api::Failure& failure) {
  const RetryPlan retry =
      plan_retry(*visit.build(), visit.spec(), visit.object.generation, visit.snapshot.now);
  std::string reason = "BuildFailed";
  if (failure.reason == api::reason::kSecretNotFound ||
      failure.reason == api::reason::kSourceUnavailable || is_over_budget(failure))
    reason = failure.reason;
  else if (!retry.never && failure.failure_class == api::FailureClass::Transient)
    reason = "BuildRetrying";
  const std::string note =
      is_over_budget(failure) ? failure.message : failure.reason + ": " + api::told(failure);
  visit.decision.events.push_back({true, reason, api::clip_back(note, 1000)});
}

void fail_build(Visit& visit, api::Failure failure, const contract::BuildReport* report,
                const std::string& ended) {
  if (report == nullptr || !is_over_budget(failure))
    return end_build(visit, "Failure", std::move(failure), report, ended);
  failure.message = blocked_message(failure, visit.spec(), visit.decision.status, *report);
  end_build(visit, "OverBudget", std::move(failure), report, ended);
}

void succeed(Visit& visit, const contract::BuildReport& report, const std::string& ended) {
  api::Status& status = visit.decision.status;
  status.build->finished_at = ended;
  const std::string key = visit.identity_with(status.build->source).key;
  if (report.result == BuildResult::Unchanged && status.image && status.inputs) {
    // Only the revision moves.
    status.inputs->key = key;
    status.inputs->source = status.build->source;
    status.image->revision = report.inputs.revision;
  } else {
    accept_image(status, visit.spec(), key, report, visit.now);
  }
  end_build(visit, std::string(contract::to_string(report.result)), std::nullopt, &report, ended);
  visit.decision.events.push_back({false, "BuildSucceeded", success_message(status)});
  if (const std::string over = exceeded_message(visit.spec(), *status.image); !over.empty())
    visit.decision.events.push_back({true, "SizeBudgetExceeded", api::clip_back(over, 1000)});
}

/// The report's tables that did not fit into the termination message are in the log. False: ask.
bool complete_report(Visit& visit, const PodView& pod, PodFinished& finished) {
  const bool has_image = !finished.failure || is_over_budget(*finished.failure);
  if (!finished.report || finished.report->log_parts == 0 || !has_image) return true;
  if (!visit.snapshot.log_tail) {
    visit.decision.needs.log_of_pod = pod.name;
    visit.decision.needs.log_lines = finished.report->log_parts;
    return false;
  }
  // Lost or changed lines cost the layer table, never the sizes.
  if (auto attached = contract::attach_layers(*finished.report, *visit.snapshot.log_tail);
      !attached)
    finished.report->log_parts = 0;
  return true;
}

bool fold_finished(Visit& visit, const PodView& pod, PodFinished& finished) {
  if (!complete_report(visit, pod, finished)) return false;
  const std::string ended = pod.finished_at.empty() ? visit.now : pod.finished_at;
  const contract::BuildReport* report = finished.report ? &*finished.report : nullptr;
  if (report != nullptr) visit.build()->isolation = report->isolation;
  if (!visit.build_is_current())
    end_build(visit, "Superseded", std::nullopt, report, ended);
  else if (finished.failure && pod.deleting && visit.spec().suspend)
    end_build(visit, "Canceled", std::nullopt, report, ended);
  else if (finished.failure)
    fail_build(visit, std::move(*finished.failure), report, ended);
  else if (report->platforms.empty() && report->result != BuildResult::Unchanged)
    fail_build(visit, no_image_reported(), report, ended);
  else
    succeed(visit, *report, ended);
  return true;
}

}  // namespace

bool fold_active_build(Visit& visit) {
  if (!visit.build_is_active()) return true;
  api::Build& build = *visit.build();
  const PodView* pod = visit.find_pod(build.pod);
  if (pod == nullptr) {
    if (build.started_at.empty()) return true;  // recorded, its pod was never seen
    if (!visit.snapshot.fresh) return visit.need_fresh();
    if (visit.build_is_current() && visit.spec().suspend)
      end_build(visit, "Canceled", std::nullopt, nullptr, visit.now);
    else
      end_build(visit, visit.build_is_current() ? "Failure" : "Superseded", pod_lost(), nullptr,
                visit.now);
    return true;
  }
  if (build.started_at.empty())
    build.started_at = pod->created_at.empty() ? visit.now : pod->created_at;
  if (!pod->started_at.empty()) build.started_at = pod->started_at;
  PodState state = pod_state(*pod);
  if (auto* finished = std::get_if<PodFinished>(&state))
    return fold_finished(visit, *pod, *finished);
  if (auto* pending = std::get_if<PodPending>(&state))
    note_pending(visit, *pod, *pending);
  else
    visit.situation = {.activity = Activity::Running,
                       .message = "pod " + pod->name + " is running"};
  return true;
}

void end_build(Visit& visit, const std::string& result, std::optional<api::Failure> failure,
               const contract::BuildReport* report, const std::string& ended) {
  api::Build& ending = *visit.build();
  ending.result = result;
  ending.finished_at = ended;
  ending.failure = failure;
  const contract::PlatformReport* platform = nullptr;
  if (report != nullptr && (result == "Success" || result == "OverBudget"))
    platform = report->largest_platform();
  const std::uint64_t size = platform == nullptr ? 0 : platform->size_bytes;
  const std::uint64_t own = platform == nullptr ? 0 : platform->own_size_bytes;
  Decision& decision = visit.decision;
  record_history(decision.status, report == nullptr ? "" : report->digest, size, own);
  decision.finished = FinishedBuild{result, ending.trigger, failure,
                                    report == nullptr ? std::nullopt : std::optional(*report)};
  if (result == "Superseded")
    decision.events.push_back({false, "Superseded", "build " + ending.pod + " was superseded"});
  if (failure) note_failure(visit, *failure);
}

std::string success_message(const api::Status& status) {
  if (!status.image) return "";
  const api::Image& image = *status.image;
  std::string message = image.ref + " " + format_bytes(image.size_bytes);
  if (image.delta_bytes) message += " (" + format_delta(*image.delta_bytes) + ")";
  return message;
}

}  // namespace imagebuild::controller
