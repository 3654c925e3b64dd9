#include "operator/controller/decide.h"

#include <algorithm>

#include "operator/controller/accept.h"
#include "operator/controller/budget_verdict.h"
#include "operator/controller/next_build.h"
#include "operator/controller/outcome.h"
#include "operator/controller/retention.h"
#include "operator/controller/visit.h"

namespace imagebuild::controller {
namespace {

void refuse_spec(Visit& visit) {
  visit.situation.failure = api::Failure{.failure_class = api::FailureClass::Terminal,
                                         .reason = std::string(api::reason::kInvalidSpec),
                                         .message = visit.object.spec.error().message};
  if (visit.build_is_active()) end_build(visit, "Canceled", std::nullopt, nullptr, visit.now);
}

/// Is the accepted image what the object asks for now?
void judge_image(Visit& visit) {
  const api::Status& status = visit.decision.status;
  if (!status.image || !status.inputs) return;
  const auto& pushed = status.image->tags;
  const auto wanted = api::image_tags(visit.spec());
  const bool tags = std::all_of(wanted.begin(), wanted.end(), [&](const std::string& tag) {
    return std::find(pushed.begin(), pushed.end(), tag) != pushed.end();
  });
  visit.situation.accepted = status.inputs->spec == spec_hash(visit.spec());
  const bool key = status.inputs->key == visit.identity_with(status.inputs->source).key;
  visit.situation.up_to_date = visit.situation.accepted && key && tags;
  visit.situation.success = success_message(status);
}

void judge_budget(Visit& visit) {
  if (!visit.object.spec.ok() || !visit.spec().budget.has_limit()) return;
  const auto& image = visit.decision.status.image;
  Situation::Budget& budget = visit.situation.budget.emplace();
  budget.known = visit.is_blocked() || image.has_value();
  if (visit.is_blocked())
    budget.exceeded = visit.build()->failure->message;
  else if (image)
    budget.exceeded = exceeded_message(visit.spec(), *image);
}

void delete_strays(Visit& visit) {
  for (const PodView& pod : visit.snapshot.pods)
    if (!pod.finished() && !pod.deleting && !visit.is_active_pod(pod))
      visit.decision.delete_pods.push_back({pod.name, pod.uid});
}

void retain(Visit& visit) {
  std::vector<PodView> finished;
  for (const PodView& pod : visit.snapshot.pods)
    if (pod.finished() && !pod.deleting && !visit.is_active_pod(pod)) finished.push_back(pod);
  const auto& spec = visit.object.spec;
  const api::History history = spec.ok() ? spec->history : api::History{};
  Retention retention = plan_retention(std::move(finished), history, visit.snapshot.now);
  for (const PodView& pod : retention.expired)
    visit.decision.delete_pods.push_back({pod.name, pod.uid});
  if (retention.next) visit.requeue_in(*retention.next);
}

void write_conditions(Visit& visit) {
  judge_budget(visit);
  const api::ImageBuild& object = visit.object;
  visit.decision.status.observed_generation = object.generation;
  visit.decision.status.conditions =
      make_conditions(visit.situation, object.generation, object.status.conditions, visit.now);
}

}  // namespace

Decision decide(const Snapshot& snapshot, const PodSettings& settings) {
  Visit visit(snapshot, settings);
  if (visit.object.deleting)  // the owner reference takes the pods along
    return std::move(visit.decision);
  if (!visit.object.spec.ok()) {
    refuse_spec(visit);
  } else {
    if (!fold_active_build(visit)) return std::move(visit.decision);
    judge_image(visit);
    plan_next_build(visit);
    if (visit.decision.needs.any()) return std::move(visit.decision);
  }
  delete_strays(visit);
  retain(visit);
  write_conditions(visit);
  return std::move(visit.decision);
}

api::Status refuse_build(api::Status status, std::string message, const std::string& now) {
  if (!status.build) return status;
  status.build->result = "Failure";
  status.build->finished_at = now;
  status.build->failure = api::Failure{.failure_class = api::FailureClass::Config,
                                       .reason = std::string(api::reason::kPodRefused),
                                       .message = api::clip_back(message, 512)};
  record_history(status, "", 0, 0);
  return status;
}

}  // namespace imagebuild::controller
