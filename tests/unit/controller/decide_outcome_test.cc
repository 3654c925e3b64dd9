// What a build's end makes of status, conditions and the next attempt.
#include <algorithm>

#include "operator/controller/decide.h"
#include "tests/support/catch.h"
#include "tests/unit/controller/world.h"

using namespace imagebuild;
using namespace imagebuild::controller;
using namespace imagebuild::controller::testing;

TEST_CASE("a new object is built, and its image and sizes stand in the status") {
  World world;
  world.step();
  CHECK(world.condition("Ready") == "Unknown/Pending");
  CHECK(world.condition("Reconciling") == "True/Pending");
  REQUIRE(world.pods.size() == 1);
  CHECK(world.pod().name == world.last.status.build->pod);
  CHECK(world.last.status.build->trigger == "Spec");
  CHECK(world.last.holds_slot);

  world.run();
  world.step();
  CHECK(world.condition("Ready") == "Unknown/Progressing");
  CHECK(world.pods.size() == 1);

  world.now = 20;
  world.end(success_report(182'000'000));
  world.step();
  CHECK(world.condition("Ready") == "True/Succeeded");
  CHECK(world.condition("UpToDate") == "True/InputsBuilt");
  CHECK(world.condition("Reconciling") == "-");
  const api::Image& image = *world.last.status.image;
  CHECK(image.ref == "registry.acme.io/web@sha256:" + std::string(64, 'd'));
  CHECK(image.size_bytes == 182'000'000);
  CHECK(image.own_size_bytes == 91'000'000);
  CHECK(image.platforms[0].layers.size() == 2);
  CHECK(image.platforms[0].layers[0].digest == "bbbbbbbbbbbb");
  CHECK(image.tags[1] == "latest");
  CHECK(world.last.status.history[0].seconds == 20);
  CHECK(world.last.finished->result == "Success");
  CHECK_FALSE(world.last.holds_slot);
  CHECK(world.events == std::vector<std::string>{"BuildStarted", "BuildSucceeded"});

  auto before = world.object["status"];
  world.now = 5000;
  world.step();
  CHECK(world.object["status"] == before);  // level-based: nothing to do, nothing to write
}

TEST_CASE("the layer table may be lost, the sizes may not") {
  World world;
  world.step();
  world.end(success_report());
  world.log = "rotated away";
  world.step();
  CHECK(world.condition("Ready") == "True/Succeeded");
  CHECK(world.last.status.image->size_bytes == 1000);
  CHECK(world.last.status.image->platforms[0].layers.empty());
}

TEST_CASE("what a failed pod says decides the conditions and the next attempt") {
  struct Row {
    const char* name;
    std::function<void(World&)> fail;
    const char* ready;
    const char* other;  // Reconciling or Stalled
    int retry_after;    // seconds; 0: never
  };
  using api::FailureClass;
  const Row rows[] = {
      {"RUN failed", [](World& w) { w.end(failure_report(FailureClass::Terminal, "BuildFailed")); },
       "False/BuildFailed", "Stalled", 0},
      {"bad Dockerfile",
       [](World& w) { w.end(failure_report(FailureClass::Terminal, "BadDockerfile")); },
       "False/BadDockerfile", "Stalled", 0},
      {"secret missing",
       [](World& w) { w.end(failure_report(FailureClass::Config, "SecretNotFound")); },
       "False/SecretNotFound", "Stalled", 60},
      {"push refused",
       [](World& w) { w.end(failure_report(FailureClass::Config, "RegistryDenied")); },
       "False/RegistryDenied", "Stalled", 60},
      {"registry down",
       [](World& w) { w.end(failure_report(FailureClass::Transient, "RegistryUnavailable")); },
       "False/ProgressingWithRetry", "Reconciling", 10},
      {"pod deleted", [](World& w) { w.pods.clear(); }, "False/ProgressingWithRetry", "Reconciling",
       10},
      {"evicted",
       [](World& w) {
         w.pod().phase = "Failed";
         w.pod().reason = "Evicted";
       },
       "False/ProgressingWithRetry", "Reconciling", 10},
      {"node lost",
       [](World& w) {
         w.pod().phase = "Failed";
         w.pod().reason = "NodeLost";
       },
       "False/ProgressingWithRetry", "Reconciling", 10},
      {"failed without container statuses",
       [](World& w) {
         w.pod().phase = "Failed";
         w.pod().started_at = "";
       },
       "False/ProgressingWithRetry", "Reconciling", 10},
      {"out of memory",
       [](World& w) {
         w.pod().phase = "Failed";
         w.pod().terminated = true;
         w.pod().exit_code = 137;
         w.pod().termination_reason = "OOMKilled";
         w.pod().termination_message =
             R"({"state":"Running","stage":"build","line":14,"step":"7/12 RUN npm ci"})";
       },
       "False/ProgressingWithRetry", "Reconciling", 10},
      {"deadline",
       [](World& w) {
         w.pod().phase = "Failed";
         w.pod().reason = "DeadlineExceeded";
       },
       "False/Timeout", "Stalled", 0},
      {"never scheduled",
       [](World& w) {
         w.pod().phase = "Failed";
         w.pod().reason = "DeadlineExceeded";
         w.pod().started_at = "";
         w.pod().unschedulable = "0/1 nodes";
       },
       "False/PodUnschedulable", "Stalled", 60},
      {"crash",
       [](World& w) {
         w.pod().phase = "Failed";
         w.pod().terminated = true;
         w.pod().exit_code = 139;
       },
       "False/ProgressingWithRetry", "Reconciling", 10},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    World world;
    world.step();
    world.run();
    world.step();
    row.fail(world);
    world.step();
    CHECK(world.condition("Ready") == row.ready);
    CHECK(world.condition(row.other).substr(0, 4) == "True");
    CHECK(world.last.status.build->result == "Failure");
    CHECK_FALSE(world.last.holds_slot);
    if (row.retry_after == 0) {
      world.now += 100'000;
      world.step();
      CHECK_FALSE(world.last.create_pod);
      continue;
    }
    REQUIRE(world.last.requeue_after);
    CHECK(*world.last.requeue_after == std::chrono::seconds(row.retry_after));
    world.now += row.retry_after;
    world.step();
    CHECK(world.last.create_pod);
    CHECK(world.last.status.build->attempt == 2);
    CHECK(world.last.status.build->trigger == "Retry");
  }
}

TEST_CASE("an OOM kill is told with the step it hit") {
  World world;
  world.step();
  world.pod().phase = "Failed";
  world.pod().terminated = true;
  world.pod().exit_code = 137;
  world.pod().termination_reason = "OOMKilled";
  world.pod().termination_message =
      R"({"state":"Running","stage":"build","line":14,"step":"7/12 RUN npm ci"})";
  world.step();
  const api::Failure& failure = *world.last.status.build->failure;
  CHECK(failure.reason == "OOMKilled");
  CHECK(failure.line == 14);
  CHECK(failure.stage == "build");
  CHECK(failure.message == "the builder ran out of memory in step 7/12 RUN npm ci");
}

TEST_CASE("transient failures are retried spec.retries times, then somebody has to act") {
  World world;
  for (int attempt = 1; attempt <= 3; ++attempt) {
    world.step();
    CHECK(world.last.status.build->attempt == attempt);
    world.run();
    world.end(failure_report(api::FailureClass::Transient, "RegistryUnavailable"));
    world.step();
    world.now += 700;
  }
  world.step();
  CHECK(world.condition("Ready") == "False/RegistryUnavailable");
  CHECK(world.condition("Stalled") == "True/RegistryUnavailable");
  CHECK_FALSE(world.last.create_pod);
  world.edit({{"pod", {{"labels", {{"a", "b"}}}}}});  // any edit is an answer
  world.step();
  CHECK(world.last.create_pod);
}

TEST_CASE("a terminal failure is remembered for its inputs, and only for them") {
  World world;
  world.step();
  world.end(failure_report(api::FailureClass::Terminal, "BuildFailed"));
  world.step();
  world.edit({{"retries", 5}});
  world.step();
  CHECK_FALSE(world.last.create_pod);
  CHECK(world.condition("Stalled") == "True/BuildFailed");
  world.object["metadata"]["annotations"]["imagebuild.dev/rebuild"] = "now";
  world.step();
  CHECK(world.last.create_pod);
}

TEST_CASE(
    "a pod that cannot start is told at once and turns Ready False after the pending time-out") {
  struct Row {
    const char* why;
    const char* message;
    const char* reason;
  };
  for (const Row& row :
       {Row{"ImagePullBackOff", "no such image", "PodImagePullFailed"},
        Row{"CreateContainerError", "cannot load seccomp profile \"imagebuild/builder.json\"",
            "SeccompProfileMissing"},
        Row{"CreateContainerConfigError", "no config map", "PodCreateFailed"}}) {
    World world;
    world.step();
    world.pod().waiting_reason = row.why;
    world.pod().waiting_message = row.message;
    world.now = 5;
    world.step();
    CHECK(world.condition("Ready") == "Unknown/Pending");
    REQUIRE(world.last.requeue_after);
    world.now = 700;
    world.step();
    CHECK(world.condition("Ready") == std::string("False/") + row.reason);
    CHECK(world.condition("Reconciling") == std::string("True/") + row.reason);
    CHECK(world.last.status.find_condition("Ready")->message.find(row.message) !=
          std::string::npos);
    world.run();
    world.step();
    CHECK(world.condition("Ready") == "Unknown/Progressing");
  }
}

TEST_CASE("delta and baseline follow the accepted builds") {
  World world;
  const std::uint64_t sizes[] = {1000, 1100, 900};
  const char* deltas[] = {"", "+10.0%", "-18.2%"};
  for (int i = 0; i < 3; ++i) {
    world.object["metadata"]["annotations"]["imagebuild.dev/rebuild"] = std::to_string(i);
    world.build_well(sizes[i]);
    CHECK(world.last.status.image->delta == deltas[i]);
  }
  CHECK(world.last.status.baseline->size_bytes == 1000);
  CHECK(world.last.status.baseline->own_size_bytes == 500);
  CHECK(world.last.status.baseline->base_size_bytes == 500);
  CHECK(world.last.status.baseline->samples == 3);
  CHECK(world.last.status.find_condition("Ready")->message.find("(-200 B)") != std::string::npos);
}

TEST_CASE("a Secret that was missing does not use up the retries of a registry that is down") {
  World world;
  auto fail_with = [&](api::FailureClass failure_class, std::string_view reason) {
    world.step();
    world.run();
    world.step();
    world.end(failure_report(failure_class, reason));
    world.step();
    world.now += 3600;
  };
  for (int i = 0; i < 4; ++i) fail_with(api::FailureClass::Config, api::reason::kSecretNotFound);
  CHECK(world.last.status.build->config_retries == 3);
  fail_with(api::FailureClass::Transient, api::reason::kRegistryUnavailable);
  CHECK(world.last.status.build->retries == 0);
  CHECK(world.condition("Ready") == "False/ProgressingWithRetry");
  world.build_well();
  CHECK(world.condition("Ready") == "True/Succeeded");
}

TEST_CASE("a success without an image is none") {
  World world;
  world.step();
  world.run();
  world.step();
  world.end(contract::BuildReport{});
  world.step();
  CHECK(world.last.status.build->result == "Failure");
  CHECK(world.last.status.build->failure->reason == api::reason::kBuilderCrashed);
  CHECK_FALSE(world.last.status.image);
}
