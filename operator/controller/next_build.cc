#include "operator/controller/next_build.h"

#include <algorithm>

#include "operator/controller/outcome.h"
#include "operator/controller/retry.h"

namespace imagebuild::controller {
namespace {

void tell_conflict(Visit& visit) {
  Situation& situation = visit.situation;
  situation.failure = api::Failure{
      .failure_class = api::FailureClass::Config,
      .reason = std::string(api::reason::kImageConflict),
      .message = "ImageBuild " + *visit.snapshot.conflict +
                 ", which is older, pushes the same repository and tag; change spec.image or "
                 "spec.tags of one of them"};
  for (const api::Condition& before : visit.object.status.conditions)
    if (before.reason == api::reason::kImageConflict) return;
  visit.decision.events.push_back(
      {true, std::string(api::reason::kImageConflict), situation.failure->message});
}

/// An older object may have taken a tag of the accepted image since.
void judge_conflict(Visit& visit) {
  if (!visit.snapshot.conflict) {
    visit.decision.needs.conflict = true;
  } else if (!visit.snapshot.conflict->empty()) {
    visit.situation.up_to_date = false;
    tell_conflict(visit);
  }
}

bool has_no_other_pod(Visit& visit) {
  for (const PodView& pod : visit.snapshot.pods) {
    if (pod.finished()) continue;
    visit.situation.activity = Activity::Queued;
    visit.situation.message = "waiting until pod " + pod.name + " has ended";
    visit.decision.holds_slot = true;  // that pod still uses it
    return false;
  }
  return true;
}

bool has_its_tags(Visit& visit) {
  if (!visit.snapshot.conflict) {
    visit.decision.needs.conflict = true;
    return false;
  }
  if (visit.snapshot.conflict->empty()) return true;
  tell_conflict(visit);
  visit.requeue_in(std::chrono::minutes(1));
  return false;
}

bool has_slot(Visit& visit) {
  if (!visit.snapshot.slot) {
    visit.decision.needs.slot = true;
    return false;
  }
  if (*visit.snapshot.slot == SlotAnswer::Granted) return true;
  const bool of_namespace = *visit.snapshot.slot == SlotAnswer::NamespaceFull;
  visit.situation.activity = Activity::Queued;
  visit.situation.message =
      of_namespace ? "waiting for other builds of namespace " + visit.object.name_space +
                         " to finish: it has as many as it may have at once"
                   : "waiting for other builds to finish: as many run as may run at once";
  visit.decision.waits_for_slot = true;
  return false;
}

/// Everything that has to be so before a pod is created; false: not yet, or ask again.
bool may_start(Visit& visit) {
  return has_no_other_pod(visit) && has_its_tags(visit) && has_slot(visit) &&
         (visit.snapshot.fresh || visit.need_fresh());
}

void start(Visit& visit, api::Build next) {
  if (!may_start(visit)) return;
  Decision& decision = visit.decision;
  const PodAttempt attempt{
      .name = next.pod,
      .hash8 = next.hash,
      .trigger = next.trigger,
      .attempt = next.attempt,
      .commit = next.source,
      .revision = next.revision,
      .baseline_bytes = decision.status.baseline ? decision.status.baseline->size_bytes : 0};
  decision.create_pod = make_builder_pod(visit.object, visit.spec(), attempt, visit.settings);
  decision.events.push_back({false, "BuildStarted", "pod " + next.pod + " (" + next.trigger + ")"});
  decision.status.build = std::move(next);
  if (!visit.object.requested_at.empty())
    decision.status.last_handled_reconcile_at = visit.object.requested_at;
  decision.holds_slot = true;
  visit.situation.failure.reset();
  visit.situation.activity = Activity::Pending;
  visit.situation.message = "pod " + attempt.name + " is being created";
}

std::string trigger_of_new(const Visit& visit) {
  const std::string& asked = visit.object.rebuild_token;
  const auto& build = visit.build();
  const auto& inputs = visit.decision.status.inputs;
  const bool known_token = asked.empty() || (build && build->token == asked);
  const bool same_spec = inputs ? inputs->spec == spec_hash(visit.spec())
                                : build && build->generation == visit.object.generation;
  return !known_token && same_spec ? "Manual" : "Spec";
}

/// Numbers that no pod of this object has had.
api::Build with_attempt(const Visit& visit, api::Build next) {
  const auto& build = visit.build();
  next.attempt = build && build->hash == next.hash ? build->attempt : 0;
  for (const PodView& pod : visit.snapshot.pods)
    if (pod.hash == next.hash) next.attempt = std::max(next.attempt, pod.attempt);
  ++next.attempt;
  next.number = (build ? build->number : 0) + 1;
  next.generation = visit.object.generation;
  next.pod = pod_name(visit.object.name, next.hash, next.attempt);
  next.queued_at = visit.now;
  return next;
}

void start_new(Visit& visit) {
  const auto* git = std::get_if<api::GitSource>(&visit.spec().source);
  api::Build next{.trigger = trigger_of_new(visit)};
  next.token = visit.token;
  if (git != nullptr && !git->commit.empty()) {
    next.source = git->commit;
    next.revision = "sha1:" + git->commit;
  } else if (git != nullptr && git->secret_ref.empty()) {
    if (!may_start(visit)) return;
    if (!visit.snapshot.commit) {
      visit.decision.needs.commit = true;
      return;
    }
    next.source = visit.snapshot.commit->commit;
    next.revision = visit.snapshot.commit->revision;
  }
  next.hash = visit.identity_with(next.source).hash8;
  start(visit, with_attempt(visit, std::move(next)));
}

void start_retry(Visit& visit) {
  api::Build next = *visit.build();
  const bool same_settings = next.generation == visit.object.generation;
  next.trigger = same_settings ? "Retry" : "Spec";
  const bool transient =
      next.failure && next.failure->failure_class == api::FailureClass::Transient;
  if (!same_settings) next.retries = next.config_retries = 0;
  if (same_settings) ++(transient ? next.retries : next.config_retries);
  next.started_at = next.finished_at = next.result = next.isolation = "";
  next.failure.reset();
  start(visit, with_attempt(visit, std::move(next)));
}

/// At once, later, or never.
void retry(Visit& visit) {
  const RetryPlan plan =
      plan_retry(*visit.build(), visit.spec(), visit.object.generation, visit.snapshot.now);
  if (plan.never) return;
  if (plan.wait <= Duration(0)) return start_retry(visit);
  if (visit.situation.failure->failure_class == api::FailureClass::Transient)
    visit.situation.activity = Activity::WillRetry;
  const double jitter = static_cast<double>(plan.wait.count()) * 0.2 * visit.snapshot.unit;
  visit.requeue_in(plan.wait + Duration(static_cast<Duration::rep>(jitter)));
}

/// False: the build that is recorded as running goes on, or more has to be known first.
bool settle_active_build(Visit& visit) {
  if (!visit.build_is_active()) return true;
  const PodView* pod = visit.find_pod(visit.build()->pod);
  if (!visit.build_is_current()) {
    if (pod == nullptr && !visit.snapshot.fresh) return visit.need_fresh();
    end_build(visit, "Superseded", std::nullopt, nullptr, visit.now);
    visit.situation.activity = Activity::None;
    return true;
  }
  if (pod != nullptr) {
    visit.decision.holds_slot = true;
    return false;
  }
  if (!visit.spec().suspend) {
    start(visit, *visit.build());  // recorded, never seen: that very name again
    return false;
  }
  if (!visit.snapshot.fresh) return visit.need_fresh();
  end_build(visit, "Canceled", std::nullopt, nullptr, visit.now);
  return true;
}

}  // namespace

void plan_next_build(Visit& visit) {
  if (!settle_active_build(visit)) return;
  Situation& situation = visit.situation;
  if (situation.up_to_date) return judge_conflict(visit);
  const auto& build = visit.build();
  const bool failed =
      build && (build->result == "Failure" || visit.is_blocked()) && visit.build_is_current();
  if (failed) situation.failure = build->failure.value_or(api::Failure{});
  if (visit.spec().suspend)
    situation.suspended = true;
  else if (failed)
    retry(visit);
  else
    start_new(visit);
}

}  // namespace imagebuild::controller
