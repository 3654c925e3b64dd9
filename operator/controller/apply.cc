#include "operator/controller/reconciler.h"

namespace imagebuild::controller {

Json merge_patch_between(const Json& before, const Json& after) {
  if (before == after) return nullptr;
  if (!before.is_object() || !after.is_object()) return after;
  Json patch = Json::object();
  for (auto it = before.begin(); it != before.end(); ++it)
    if (!after.contains(it.key())) patch[it.key()] = nullptr;
  for (auto it = after.begin(); it != after.end(); ++it) {
    auto old = before.find(it.key());
    if (old == before.end())
      patch[it.key()] = *it;
    else if (*old != *it)
      patch[it.key()] = merge_patch_between(*old, *it);
  }
  return patch;
}

Result<void> Reconciler::apply(const Snapshot& snapshot, Decision& decision,
                               const std::stop_token& stop) {
  const api::ImageBuild& object = snapshot.object;
  if (object.deleting) return {};
  if (!parts_.may_write()) return fail(ErrorKind::Canceled, "not the leader any more");
  auto written = write_status(object, decision.status, stop);
  if (!written.ok()) {
    if (written.error().not_found()) return {};
    return std::move(written).error();
  }
  count(object, decision);
  if (decision.create_pod) {
    if (!parts_.may_write()) return fail(ErrorKind::Canceled, "not the leader any more");
    auto created = create_pod(object, decision, stop);
    if (!created) return created.error();
  }
  for (const PodToDelete& pod : decision.delete_pods) {
    auto removed = parts_.client.remove(kube::kPods, {object.name_space, pod.name},
                                        {.uid = pod.uid}, {.stop = stop});
    if (!removed.ok() && !removed.error().not_found() && !removed.error().conflict())
      return std::move(removed).error();
  }
  for (const EventNote& note : decision.events) parts_.events.record(object, note, stop);
  return {};
}

kube::ApiResult<void> Reconciler::write_status(const api::ImageBuild& object,
                                               const api::Status& status,
                                               const std::stop_token& stop) {
  Json patch = merge_patch_between(api::status_to_json(object.status), api::status_to_json(status));
  if (patch.is_null()) return {};
  // The resourceVersion makes it a compare-and-swap:
  // whoever decided on an older object decides again.
  Json body = {{"metadata", {{"resourceVersion", object.resource_version}}},
               {"status", std::move(patch)}};
  auto written = parts_.client.patch(kube::kImageBuilds, {object.name_space, object.name}, body,
                                     {.subresource = "status"}, {.stop = stop});
  if (!written.ok()) return std::move(written).error();
  return {};
}

Result<void> Reconciler::create_pod(const api::ImageBuild& object, const Decision& decision,
                                    const std::stop_token& stop) {
  const std::string name = decision.status.build->pod;
  const kube::ObjectKey key{object.name_space, name};
  auto created = parts_.client.create(kube::kPods, *decision.create_pod, {.stop = stop});
  if (created.ok()) {
    parts_.log.info(
        "build started",
        {{"imagebuild", object.key()}, {"pod", name}, {"trigger", decision.status.build->trigger}});
    return check_created_pod(*created, stop);
  }
  const kube::ApiError& error = created.error();
  if (error.already_exists()) {
    auto existing = parts_.client.get(kube::kPods, key, {.stop = stop});
    if (!existing.ok()) return std::move(existing).error();
    if (pod_view_from_json(*existing).owner_uid == object.uid) return {};  // ours: adopt
    return refuse(object, decision, "a pod of another owner has the name " + name, stop);
  }
  if (error.namespace_terminating() || error.not_found()) return {};
  if (error.code == 400 || error.code == 403 || error.code == 422)
    return refuse(object, decision, error.message, stop);
  return std::move(created).error();
}

/// Servers without pod user namespaces drop hostUsers in silence:
/// uid 0 would then be the node's root.
Result<void> Reconciler::check_created_pod(const Json& pod, const std::stop_token& stop) {
  if (shape_ != PodShape::UserNamespace) return {};
  const Json* host_users = find_path(pod, {"spec", "hostUsers"});
  if (host_users != nullptr && *host_users == Json(false)) return {};
  shape_ = PodShape::NewUidMap;
  parts_.log.warn("the API server dropped hostUsers: building with newuidmap from now on");
  PodView view = pod_view_from_json(pod);
  auto removed = parts_.client.remove(kube::kPods, {view.name_space, view.name},
                                      {.uid = view.uid, .grace_period_seconds = 0}, {.stop = stop});
  if (!removed.ok() && !removed.error().not_found()) return std::move(removed).error();
  return fail(ErrorKind::Transient, "pod user namespaces are not available on this cluster");
}

Result<void> Reconciler::refuse(const api::ImageBuild& object, const Decision& decision,
                                const std::string& message, const std::stop_token& stop) {
  api::Status status = refuse_build(decision.status, message, format_rfc3339(parts_.clock.now()));
  Json body = {{"status", merge_patch_between(api::status_to_json(decision.status),
                                              api::status_to_json(status))}};
  auto written = parts_.client.patch(kube::kImageBuilds, {object.name_space, object.name}, body,
                                     {.subresource = "status"}, {.stop = stop});
  if (!written.ok() && !written.error().not_found()) return std::move(written).error();
  parts_.metrics.build_finished({.name_space = object.name_space,
                                 .result = "Failure",
                                 .trigger = status.build->trigger,
                                 .failure = status.build->failure});
  parts_.events.record(object, {.warning = true, .reason = "BuildFailed", .note = message}, stop);
  return {};
}

void Reconciler::count(const api::ImageBuild& object, const Decision& decision) {
  if (decision.create_pod)
    if (double waited = parts_.slots.take_wait({object.name_space, object.name}); waited >= 0)
      parts_.metrics.build_waited(waited);
  if (!decision.finished) return;
  const FinishedBuild& finished = *decision.finished;
  telemetry::BuildOutcome outcome{.name_space = object.name_space,
                                  .result = finished.result,
                                  .trigger = finished.trigger,
                                  .failure = finished.failure};
  if (finished.report && finished.report->state == contract::ReportState::Done) {
    const contract::BuildReport& report = *finished.report;
    outcome.measured = true;
    outcome.pull_seconds = report.phases.pull;
    outcome.context_seconds = report.phases.context;
    outcome.run_seconds = report.phases.run;
    outcome.push_seconds = report.phases.push;
    outcome.total_seconds = report.phases.total;
    outcome.pushed_bytes = report.pushed_bytes;
    outcome.skipped_bytes = report.skipped_bytes;
    outcome.cache_hits = report.cache_hits;
    outcome.cache_misses = report.cache_misses;
  }
  parts_.metrics.build_finished(outcome);
  parts_.log.info("build finished",
                  {{"imagebuild", object.key()},
                   {"pod", decision.status.build ? decision.status.build->pod : ""},
                   {"result", finished.result},
                   {"reason", finished.failure ? finished.failure->reason : ""}});
}

}  // namespace imagebuild::controller
