// Every combination of what the rule looks at, checked against the rule itself.
#include "operator/controller/conditions.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::controller;

namespace {

const api::Condition* find(const std::vector<api::Condition>& list, const char* type) {
  for (const auto& condition : list)
    if (condition.type == type) return &condition;
  return nullptr;
}

std::vector<Situation> every_situation() {
  std::vector<Situation> all;
  for (bool accepted : {false, true})
    for (bool up_to_date : {false, true})
      for (Activity activity : {Activity::None, Activity::Queued, Activity::Pending,
                                Activity::PodPending, Activity::Running, Activity::WillRetry})
        for (int failure = 0; failure < 4; ++failure)
          for (bool suspended : {false, true}) {
            if (up_to_date && !accepted) continue;
            Situation situation{.accepted = accepted,
                                .up_to_date = up_to_date,
                                .activity = activity,
                                .suspended = suspended};
            if (failure > 0)
              situation.failure =
                  api::Failure{.failure_class = static_cast<api::FailureClass>(failure - 1),
                               .reason = "BuildFailed"};
            all.push_back(situation);
          }
  return all;
}

}  // namespace

TEST_CASE("Ready is True if and only if an image of the current spec is accepted") {
  for (const Situation& situation : every_situation()) {
    auto conditions = make_conditions(situation, 4, {}, "now");
    CHECK((find(conditions, "Ready")->status == "True") == situation.accepted);
    CHECK((find(conditions, "UpToDate")->status == "True") == situation.up_to_date);
    if (situation.accepted) {
      CHECK(find(conditions, "Reconciling") == nullptr);
      CHECK(find(conditions, "Stalled") == nullptr);
    }
  }
}

TEST_CASE(
    "abnormal-true conditions are there or not, never both, and kstatus reads what is meant") {
  for (const Situation& situation : every_situation()) {
    auto conditions = make_conditions(situation, 4, {}, "now");
    const auto* reconciling = find(conditions, "Reconciling");
    const auto* stalled = find(conditions, "Stalled");
    CHECK_FALSE((reconciling && stalled));
    for (const auto* abnormal : {reconciling, stalled})
      if (abnormal) CHECK(abnormal->status == "True");
    for (const auto& condition : conditions) {
      CHECK(condition.observed_generation == 4);
      CHECK_FALSE(condition.reason.empty());
    }
    if (situation.accepted) continue;
    const bool works =
        situation.activity != Activity::None && situation.activity != Activity::WillRetry;
    const bool retries = situation.activity == Activity::WillRetry && situation.failure;
    if (works || retries) CHECK(reconciling);
    if (!works && !retries && situation.failure) CHECK(stalled);
    if (stalled) CHECK(find(conditions, "Ready")->status == "False");
  }
}

TEST_CASE("a condition keeps its transition time while its status stays") {
  Situation situation{.accepted = true, .up_to_date = true};
  auto first = make_conditions(situation, 1, {}, "t1");
  situation.up_to_date = false;
  auto second = make_conditions(situation, 2, first, "t2");
  CHECK(find(second, "Ready")->last_transition_time == "t1");
  CHECK(find(second, "UpToDate")->last_transition_time == "t2");
}

TEST_CASE("the message names stage and line, and is bounded") {
  Situation situation;
  situation.failure = api::Failure{.failure_class = api::FailureClass::Terminal,
                                   .reason = "BuildFailed",
                                   .message = std::string(5000, 'x'),
                                   .stage = "build",
                                   .line = 7};
  std::string message = find(make_conditions(situation, 1, {}, "t"), "Ready")->message;
  CHECK(message.substr(0, 22) == "stage build, line 7: x");
  CHECK(message.size() <= 1024);
}
