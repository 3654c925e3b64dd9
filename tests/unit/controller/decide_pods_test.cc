// Which pods exist: created once, never lost too early, kept as history, removed when stray.
#include <algorithm>

#include "operator/controller/decide.h"
#include "tests/support/catch.h"
#include "tests/unit/controller/world.h"

using namespace imagebuild;
using namespace imagebuild::controller;
using namespace imagebuild::controller::testing;

TEST_CASE("an attempt that was recorded and never created is created under that very name") {
  World world;
  world.step();
  const std::string name = world.pod().name;
  world.pods.clear();  // the operator died between the two writes
  world.step();
  REQUIRE(world.last.create_pod);
  CHECK(world.pod().name == name);
  CHECK(world.last.status.build->attempt == 1);
}

TEST_CASE("a pod is called lost only after a consistent read") {
  World world;
  world.step();
  world.run();
  world.step();
  Snapshot stale = world.snapshot();
  stale.pods.clear();
  CHECK(decide(stale, world.pod_settings).needs.fresh);
}

TEST_CASE("finished pods are kept as history says, the others go") {
  World world;
  world.object["spec"]["history"] = {{"failed", 1}, {"ttl", "1h"}};
  for (int i = 0; i < 3; ++i) {
    world.step();
    world.run();
    world.end(failure_report(api::FailureClass::Config, "SecretNotFound"));
    world.step();
    world.now += 601;
  }
  world.step();
  int failed = 0;
  for (const PodView& pod : world.pods) failed += pod.phase == "Failed";
  CHECK(failed == 1);
  world.end(success_report());
  world.step();
  CHECK(world.last.requeue_after);
  world.now += 3601;
  world.step();
  CHECK(world.pods.empty());
}

TEST_CASE("a stray pod of ours that no build owns is removed") {
  World world;
  world.build_well();
  PodView stray = world.pod();
  stray.name = "web-00000000-1";
  stray.uid = "stray";
  stray.phase = "Running";
  stray.terminated = false;
  world.pods.push_back(stray);
  world.step();
  CHECK(std::none_of(world.pods.begin(), world.pods.end(),
                     [](const PodView& pod) { return pod.uid == "stray"; }));
}

TEST_CASE("a deleted object is left to garbage collection") {
  World world;
  world.object["metadata"]["deletionTimestamp"] = "2026-09-21T00:00:00Z";
  Decision decision = decide(world.snapshot(), world.pod_settings);
  CHECK_FALSE(decision.needs.any());
  CHECK_FALSE(decision.create_pod);
}

TEST_CASE("a pod the API server refuses is a configuration failure") {
  World world;
  world.step();
  world.pods.clear();
  api::Status refused = refuse_build(world.last.status, "exceeded quota", format_rfc3339(at(0)));
  world.object["status"] = api::status_to_json(refused);
  world.step();
  CHECK(world.condition("Stalled") == "True/PodRefused");
  CHECK(*world.last.requeue_after == std::chrono::seconds(60));
}
