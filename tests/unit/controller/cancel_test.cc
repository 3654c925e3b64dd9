// A pod that is deleted while spec.suspend is set: the build was canceled, and did not fail.
#include "tests/unit/controller/world.h"

using namespace imagebuild;
using namespace imagebuild::controller;
using namespace imagebuild::controller::testing;

namespace {

World with_running_build() {
  World world;
  world.step();
  world.run();
  world.step();
  REQUIRE(world.last.status.build->number == 1);
  return world;
}

void check_canceled(World& world) {
  CHECK(world.last.status.build->result == "Canceled");
  CHECK_FALSE(world.last.status.build->failure);
  CHECK(world.condition("Ready") == "Unknown/Suspended");
  CHECK(world.condition("Stalled") == "-");
  world.pods.clear();
  world.step();
  CHECK(world.pods.empty());
  CHECK(world.condition("Ready") == "Unknown/Suspended");
  world.edit({{"suspend", false}});
  world.step();
  REQUIRE(world.pods.size() == 1);
  CHECK(world.last.status.build->number == 2);
}

contract::BuildReport interrupted() {
  contract::BuildReport report;
  report.result = contract::BuildResult::Canceled;
  report.failure = api::Failure{.failure_class = api::FailureClass::Transient,
                                .reason = std::string(api::reason::kInterrupted),
                                .message = "the builder was told to stop"};
  return report;
}

}  // namespace

TEST_CASE("a suspended build whose pod is deleted is canceled, with or without a last word") {
  for (const bool last_word : {true, false}) {
    CAPTURE(last_word);
    World world = with_running_build();
    world.edit({{"suspend", true}});
    world.step();
    CHECK(world.pods.size() == 1);
    if (last_word) {
      world.pod().deleting = true;
      world.end(interrupted());
    } else {
      world.pods.clear();
    }
    world.step();
    check_canceled(world);
  }
}

TEST_CASE("a pod that is being deleted is waited for until its container has ended") {
  World world = with_running_build();
  world.edit({{"suspend", true}});
  world.pod().deleting = true;
  world.pod().phase = "Failed";  // as the kubelet says first
  world.step();
  CHECK(world.last.status.build->result.empty());
  world.end(interrupted());
  world.step();
  check_canceled(world);
}

TEST_CASE(
    "a pod that is deleted behind our back without spec.suspend is a failure that is retried") {
  World world = with_running_build();
  world.pod().deleting = true;
  world.end(interrupted());
  world.step();
  CHECK(world.last.status.build->result == "Failure");
  CHECK(world.condition("Ready") == "False/ProgressingWithRetry");
}
