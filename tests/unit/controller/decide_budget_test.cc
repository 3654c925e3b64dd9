// What spec.budget does: warns beside an accepted image, or keeps the tags where they are.
#include "operator/controller/decide.h"
#include "tests/support/catch.h"
#include "tests/unit/controller/world.h"

using namespace imagebuild;
using namespace imagebuild::controller;
using namespace imagebuild::controller::testing;

namespace {

constexpr std::uint64_t kMi = 1u << 20;

World world_with(const Json& budget) {
  World world;
  world.object["spec"]["budget"] = budget;
  return world;
}

std::string budget_message(const World& world) {
  const api::Condition* found = world.last.status.find_condition("WithinBudget");
  return found == nullptr ? "" : found->message;
}

/// The builder pushed the image by digest and left the tags.
contract::BuildReport blocked_report(std::uint64_t size) {
  auto report = success_report(size);
  report.result = contract::BuildResult::OverBudget;
  report.failure = api::Failure{.failure_class = api::FailureClass::Terminal,
                                .reason = std::string(api::reason::kSizeBudgetExceeded),
                                .message = "it is over the budget"};
  return report;
}

void rebuild(World& world, const std::string& token) {
  world.object["metadata"]["annotations"]["imagebuild.dev/rebuild"] = token;
}

void build(World& world, const contract::BuildReport& report) {
  world.step();
  world.run();
  world.step();
  world.now += 10;
  world.end(report);
  world.step();
}

}  // namespace

TEST_CASE("without a budget nothing is said of one") {
  World world;
  world.build_well();
  CHECK(world.condition("WithinBudget") == "-");
}

TEST_CASE("Warn: the image is accepted, and the condition names limit, growth and line") {
  auto world = world_with({{"growth", "20%"}});
  world.step();
  CHECK(world.condition("WithinBudget") == "Unknown/Pending");
  world.run();
  world.step();
  world.end(success_report(100 * kMi));
  world.step();
  CHECK(world.condition("WithinBudget") == "True/BelowLimits");
  rebuild(world, "again");
  world.build_well(160 * kMi);
  CHECK(world.condition("Ready") == "True/Succeeded");
  CHECK(world.condition("UpToDate") == "True/InputsBuilt");
  CHECK(world.condition("WithinBudget") == "False/SizeBudgetExceeded");
  CHECK(budget_message(world) ==
        "+60.0 MiB over baseline 100.0 MiB is more than spec.budget.growth of 20%; largest change: "
        "layer 1 "
        "of the base +30.0 MiB");
  CHECK(world.events.back() == "SizeBudgetExceeded");
}

TEST_CASE("a budget that is changed is judged at once, without a build") {
  auto world = world_with({{"size", "100Mi"}});
  world.build_well(160 * kMi);
  CHECK(world.condition("WithinBudget") == "False/SizeBudgetExceeded");
  const std::size_t pods = world.pods.size();
  world.edit({{"budget", {{"size", "200Mi"}}}});
  world.step();
  CHECK(world.condition("WithinBudget") == "True/BelowLimits");
  CHECK(world.condition("Ready") == "True/Succeeded");
  CHECK(world.pods.size() == pods);
}

TEST_CASE("Block: a first image that is too large stalls the object") {
  auto world = world_with({{"size", "100Mi"}, {"enforcement", "Block"}});
  build(world, blocked_report(160 * kMi));
  CHECK(world.condition("Ready") == "False/SizeBudgetExceeded");
  CHECK(world.condition("Stalled") == "True/SizeBudgetExceeded");
  CHECK(world.condition("WithinBudget") == "False/SizeBudgetExceeded");
  CHECK(world.last.status.build->result == "OverBudget");
  CHECK_FALSE(world.last.status.image);
  CHECK(world.last.status.history[0].size_bytes == 160 * kMi);
  CHECK(world.events.back() == "SizeBudgetExceeded");
  const std::size_t pods = world.pods.size();
  world.now += 24 * 3600;
  world.step();
  CHECK(world.pods.size() <= pods);  // remembered: a build would end the same
}

TEST_CASE("Block: beside an accepted image only UpToDate and WithinBudget tell") {
  auto world = world_with({{"growth", "20%"}, {"enforcement", "Block"}});
  world.build_well(100 * kMi);
  const std::string accepted = world.last.status.image->ref;
  rebuild(world, "again");
  build(world, blocked_report(160 * kMi));
  CHECK(world.condition("Ready") == "True/Succeeded");
  CHECK(world.condition("UpToDate") == "False/SizeBudgetExceeded");
  CHECK(world.condition("WithinBudget") == "False/SizeBudgetExceeded");
  CHECK(budget_message(world).find("largest change: layer 1 of the base +30.0 MiB") !=
        std::string::npos);
  CHECK(world.last.status.image->ref == accepted);
  CHECK(world.last.status.baseline->size_bytes == 100 * kMi);
  CHECK(world.last.status.baseline->samples == 1);
}

TEST_CASE("Block: a raised budget builds again") {
  auto world = world_with({{"size", "100Mi"}, {"enforcement", "Block"}});
  build(world, blocked_report(160 * kMi));
  world.edit({{"budget", {{"size", "200Mi"}}}});
  build(world, success_report(160 * kMi));
  CHECK(world.condition("Ready") == "True/Succeeded");
  CHECK(world.condition("WithinBudget") == "True/BelowLimits");
}

TEST_CASE("failing builds do not push accepted sizes out of the baseline") {
  auto world = world_with({{"growth", "10%"}});
  world.build_well(100 * kMi);
  for (int i = 0; i < 12; ++i) {
    world.edit({{"target", "t" + std::to_string(i)}});
    build(world, failure_report(api::FailureClass::Terminal, "BuildFailed"));
  }
  world.edit({{"target", "good"}});
  world.build_well(160 * kMi);
  CHECK(world.last.status.baseline->samples == 2);
  CHECK(world.last.status.baseline->size_bytes == 100 * kMi);
  CHECK(world.condition("WithinBudget") == "False/SizeBudgetExceeded");
  rebuild(world, "again");
  world.build_well(160 * kMi);
  CHECK(world.condition("WithinBudget") == "False/SizeBudgetExceeded");  // as Block would say
}

TEST_CASE("a blocked build says where the image is and what to do") {
  auto world = world_with({{"size", "100Mi"}, {"enforcement", "Block"}});
  build(world, blocked_report(160 * kMi));
  CHECK(budget_message(world).find("it was pushed as registry.acme.io/web@sha256:") !=
        std::string::npos);
  CHECK(budget_message(world).find("raise the budget") != std::string::npos);
}
