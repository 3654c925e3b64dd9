#include "operator/controller/conditions.h"

namespace imagebuild::controller {
namespace {

struct State {
  std::string status, reason, message;
};
struct Table {
  State ready, up_to_date;
  bool reconciling = false, stalled = false;
};

std::string failure_message(const api::Failure& failure) {
  const bool named = !failure.stage.empty() && !failure.stage.starts_with("stage-");
  return api::clip_back((named ? "stage " + failure.stage + ", " : "") + api::told(failure), 1024);
}

State budget_state(const Situation::Budget& budget) {
  if (!budget.known) return {"Unknown", "Pending", "there is no image to judge yet"};
  if (budget.exceeded.empty())
    return {"True", "BelowLimits", "the image is within every limit of spec.budget"};
  return {"False", std::string(api::reason::kSizeBudgetExceeded), budget.exceeded};
}

bool active(Activity activity) {
  return activity != Activity::None && activity != Activity::WillRetry;
}

std::string activity_reason(const Situation& situation) {
  switch (situation.activity) {
    case Activity::Queued:
      return "Queued";
    case Activity::Pending:
      return "Pending";
    case Activity::PodPending:
      return situation.reason.empty() ? "PodPending" : situation.reason;
    case Activity::Running:
      return "Progressing";
    case Activity::WillRetry:
      return "ProgressingWithRetry";
    case Activity::None:
      break;
  }
  return "Progressing";
}

/// Beside an accepted image: Ready stays True, UpToDate tells the rest.
Table accepted_table(const Situation& situation) {
  Table table;
  table.ready = {"True", "Succeeded", situation.success};
  if (situation.up_to_date)
    table.up_to_date = {"True", "InputsBuilt", "the image was built from the current inputs"};
  else if (active(situation.activity))
    table.up_to_date = {"False", "Building", situation.message};
  else if (situation.failure)
    table.up_to_date = {"False", situation.failure->reason, failure_message(*situation.failure)};
  else if (situation.suspended)
    table.up_to_date = {"False", "Suspended", "spec.suspend is set"};
  else
    table.up_to_date = {"False", "Pending", situation.message};
  return table;
}

Table not_accepted_table(const Situation& situation) {
  Table table;
  if (active(situation.activity)) {
    bool blocked = situation.activity == Activity::PodPending;
    table.ready = {blocked ? "False" : "Unknown", activity_reason(situation), situation.message};
    table.up_to_date = {"Unknown", activity_reason(situation), situation.message};
    table.reconciling = true;
  } else if (situation.failure && situation.activity == Activity::WillRetry) {
    table.ready = {"False", "ProgressingWithRetry",
                   situation.failure->reason + ": " + failure_message(*situation.failure)};
    table.up_to_date = {"False", situation.failure->reason, failure_message(*situation.failure)};
    table.reconciling = true;
  } else if (situation.failure) {
    table.ready = {"False", situation.failure->reason, failure_message(*situation.failure)};
    table.up_to_date = {"False", situation.failure->reason, failure_message(*situation.failure)};
    table.stalled = true;
  } else if (situation.suspended) {
    table.ready = {"Unknown", "Suspended", "spec.suspend is set and nothing was built yet"};
    table.up_to_date = {"Unknown", "Suspended", "spec.suspend is set"};
  } else {
    table.ready = {"Unknown", "Pending", situation.message};
    table.up_to_date = {"Unknown", "Pending", situation.message};
    table.reconciling = true;
  }
  return table;
}

}  // namespace

std::vector<api::Condition> make_conditions(const Situation& situation, std::int64_t generation,
                                            const std::vector<api::Condition>& before,
                                            const std::string& now) {
  const Table table =
      situation.accepted ? accepted_table(situation) : not_accepted_table(situation);
  std::vector<api::Condition> result;
  auto add = [&](const char* type, const State& state) {
    api::Condition condition{
        type, state.status, state.reason, api::clip_back(state.message, 2048), generation, now};
    for (const api::Condition& old : before)
      if (old.type == type && old.status == state.status && !old.last_transition_time.empty())
        condition.last_transition_time = old.last_transition_time;
    result.push_back(std::move(condition));
  };
  add("Ready", table.ready);
  if (table.reconciling) add("Reconciling", {"True", table.ready.reason, table.ready.message});
  if (table.stalled) add("Stalled", {"True", table.ready.reason, table.ready.message});
  add("UpToDate", table.up_to_date);
  if (situation.budget) add("WithinBudget", budget_state(*situation.budget));
  return result;
}

}  // namespace imagebuild::controller
