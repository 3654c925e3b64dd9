// The controller without a cluster: a world of one object and its pods, in which decisions are
// carried out.
#include "operator/controller/decide.h"

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/unit/controller/builders.h"

using namespace imagebuild;
using namespace imagebuild::controller;
using namespace imagebuild::controller::testing;

namespace {

struct World {
  Json object = inline_object();
  std::vector<PodView> pods;
  int now = 0;
  bool slot = true;
  std::string conflict, log;
  ResolvedCommit commit{std::string(40, 'c'), "main@sha1:cccc"};
  PodSettings pod_settings = settings();
  std::vector<std::string> events;
  Decision last;

  World() = default;
  explicit World(Json from) : object(std::move(from)) {}

  Snapshot snapshot() const {
    return {.object = api::imagebuild_from_json(object), .pods = pods, .now = at(now)};
  }

  /// Decides until nothing more has to be known, then carries it out.
  Decision step() {
    Snapshot known = snapshot();
    last = decide(known, pod_settings);
    for (int i = 0; last.needs.any(); ++i) {
      REQUIRE(i < 10);
      if (last.needs.fresh) known.fresh = true;
      if (last.needs.slot) known.slot = slot;
      if (last.needs.commit) known.commit = commit;
      if (last.needs.conflict) known.conflict = conflict;
      if (!last.needs.log_of_pod.empty()) known.log_tail = log;
      last = decide(known, pod_settings);
    }
    object["status"] = api::status_to_json(last.status);
    if (last.create_pod) {
      PodView pod = pod_view_from_json(*last.create_pod);
      pod.uid = "pod-" + std::to_string(pods.size()) + pod.name;
      pod.created_at = format_rfc3339(at(now));
      pod.phase = "Pending";
      for (const PodView& other : pods)
        REQUIRE(other.name != pod.name);  // at most one pod per (object, hash, attempt)
      pods.push_back(pod);
    }
    for (const PodToDelete& gone : last.delete_pods)
      std::erase_if(pods, [&](const PodView& pod) { return pod.uid == gone.uid; });
    for (const EventNote& event : last.events) events.push_back(event.reason);
    check_invariants();
    return last;
  }

  void check_invariants() const {
    auto condition = [&](const char* type) { return last.status.find_condition(type); };
    REQUIRE(condition("Ready") != nullptr);
    CHECK(last.status.observed_generation == object["metadata"]["generation"]);
    for (const auto& each : last.status.conditions)
      CHECK(each.observed_generation == last.status.observed_generation);
    CHECK_FALSE((condition("Reconciling") && condition("Stalled")));
  }

  PodView& pod() { return pods.back(); }
  void run() {
    pod().phase = "Running";
    pod().started_at = format_rfc3339(at(now));
  }
  void end(const contract::BuildReport& report) {
    bool good = report.result == contract::BuildResult::Success;
    pod().phase = good ? "Succeeded" : "Failed";
    pod().terminated = true;
    pod().exit_code = good ? 0 : 1;
    pod().finished_at = format_rfc3339(at(now));
    pod().termination_message = contract::termination_message(report);
    log.clear();
    for (const std::string& line : contract::report_lines(report)) log += line + "\n";
  }
  void build_well(std::uint64_t size = 1000) {
    step();
    run();
    step();
    now += 10;
    end(success_report(size));
    step();
  }
  void edit(const Json& change) {
    object["spec"].merge_patch(change);
    object["metadata"]["generation"] = object["metadata"]["generation"].get<int>() + 1;
  }
  std::string condition(const char* type) const {
    const api::Condition* found = last.status.find_condition(type);
    return found == nullptr ? "-" : found->status + "/" + found->reason;
  }
};

}  // namespace

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

TEST_CASE("a changed spec supersedes the running build: the old pod goes first, the newest wins") {
  World world;
  world.step();
  world.run();
  world.step();
  const std::string old_pod = world.pod().name;
  world.edit({{"target", "runtime"}});
  PodView terminating = world.pod();
  world.step();
  CHECK(world.last.delete_pods.size() == 1);
  CHECK_FALSE(world.last.create_pod);
  CHECK(world.condition("Ready") == "Unknown/Queued");
  terminating.deleting = true;
  world.pods = {terminating};
  world.step();
  CHECK_FALSE(world.last.create_pod);  // it may still push
  CHECK(world.last.holds_slot);
  world.pods.clear();
  world.step();
  REQUIRE(world.last.create_pod);
  CHECK(world.pod().name != old_pod);
  CHECK(world.last.status.history[0].result == "Superseded");
  CHECK(std::count(world.events.begin(), world.events.end(), "Superseded") == 1);
}

TEST_CASE("a build that ends after its spec changed is not accepted") {
  World world;
  world.step();
  world.run();
  world.edit({{"target", "runtime"}});
  world.end(success_report());
  world.step();
  CHECK_FALSE(world.last.status.image);
  CHECK(world.last.create_pod);
  CHECK(world.last.status.history[0].result == "Superseded");
}

TEST_CASE("a later failure keeps the image: beside an accepted one only UpToDate tells") {
  World world;
  world.build_well();
  world.object["metadata"]["annotations"]["imagebuild.dev/rebuild"] = "1";
  world.step();
  CHECK(world.last.status.build->trigger == "Manual");
  CHECK(world.condition("Ready") == "True/Succeeded");
  CHECK(world.condition("UpToDate") == "False/Building");
  CHECK(world.condition("Reconciling") == "-");
  CHECK(world.last.status.last_handled_reconcile_at == "1");
  world.end(failure_report(api::FailureClass::Terminal, "BuildFailed"));
  world.step();
  CHECK(world.condition("Ready") == "True/Succeeded");
  CHECK(world.condition("UpToDate") == "False/BuildFailed");
  CHECK(world.condition("Stalled") == "-");
  CHECK(world.last.status.image);
  // A spec change can turn it False, and still the last good image is there.
  world.edit({{"target", "x"}});
  world.step();
  CHECK(world.condition("Ready") == "Unknown/Pending");
  world.end(failure_report(api::FailureClass::Terminal, "BadDockerfile"));
  world.step();
  CHECK(world.condition("Ready") == "False/BadDockerfile");
  CHECK(world.last.status.image->size_bytes == 1000);
}

TEST_CASE("taking the rebuild annotation away asks for nothing") {
  World world;
  world.object["metadata"]["annotations"]["imagebuild.dev/rebuild"] = "1";
  world.build_well();
  world.object["metadata"].erase("annotations");
  world.step();
  CHECK_FALSE(world.last.create_pod);
  CHECK(world.condition("UpToDate") == "True/InputsBuilt");
}

TEST_CASE("what does not change the image does not build, what does builds") {
  struct Row {
    Json change;
    bool builds;
  };
  const Row rows[] = {
      {{{"retries", 5}}, false},
      {{{"timeout", "2h"}}, false},
      {{{"history", {{"failed", 1}}}}, false},
      {{{"pod", {{"labels", {{"a", "b"}}}}}}, false},
      {{{"registries", {{"secretRefs", {{{"name", "x"}}}}}}}, false},
      {{{"target", "x"}}, true},
      {{{"network", "None"}}, true},
      {{{"args", {{{"name", "A"}, {"value", "1"}}}}}, true},
      {{{"labels", {{"a", "b"}}}}, true},
      {{{"image", "registry.acme.io/other"}}, true},
      {{{"tags", {"v2"}}}, true},
  };
  for (const Row& row : rows) {
    INFO(row.change.dump());
    World world;
    world.build_well();
    world.edit(row.change);
    world.step();
    CHECK(world.last.create_pod.has_value() == row.builds);
  }
}

TEST_CASE("going back to an earlier spec builds again under a new name") {
  World world;
  world.object["spec"]["history"] = {{"successful", 10}};
  world.build_well();
  const std::string first = world.pod().name;
  world.edit({{"target", "b"}});
  world.build_well();
  world.edit({{"target", nullptr}});
  world.step();
  REQUIRE(world.last.create_pod);
  CHECK(world.pod().name == first.substr(0, first.size() - 1) + "2");
}

TEST_CASE("suspended: nothing starts, what runs may finish, the last word stays") {
  World world;
  world.object["spec"]["suspend"] = true;
  world.step();
  CHECK_FALSE(world.last.create_pod);
  CHECK(world.condition("Ready") == "Unknown/Suspended");
  world.edit({{"suspend", false}});
  world.step();
  CHECK(world.last.create_pod);
  world.run();
  world.edit({{"suspend", true}});
  world.step();
  CHECK(world.last.holds_slot);
  world.end(success_report());
  world.step();
  CHECK(world.condition("Ready") == "True/Succeeded");
}

TEST_CASE("an invalid spec stalls with its field, and its running build ends") {
  World world;
  world.step();
  world.run();
  world.step();
  world.edit({{"source", {{"git", {{"url", "https://h/x"}}}}}});
  world.step();
  CHECK(world.condition("Ready") == "False/InvalidSpec");
  CHECK(world.condition("Stalled") == "True/InvalidSpec");
  CHECK(world.last.status.find_condition("Ready")->message ==
        "spec.source: exactly one of git, inline");
  CHECK(world.pods.empty());
  CHECK(world.last.status.build->result == "Canceled");
}

TEST_CASE("no slot: queued, and nothing is written twice") {
  World world;
  world.slot = false;
  world.step();
  CHECK(world.condition("Ready") == "Unknown/Queued");
  CHECK(world.last.waits_for_slot);
  CHECK_FALSE(world.last.status.build);
  world.slot = true;
  world.step();
  CHECK(world.last.create_pod);
}

TEST_CASE("of two objects that push the same tag the younger stalls") {
  World world;
  world.conflict = "shop/older";
  world.step();
  CHECK(world.condition("Stalled") == "True/ImageConflict");
  CHECK_FALSE(world.last.create_pod);
  REQUIRE(world.last.requeue_after);
  world.conflict.clear();
  world.step();
  CHECK(world.last.create_pod);
}

TEST_CASE("the commit is resolved before the build and named in tag, key and request") {
  World world;
  world.object["spec"]["source"] = {{"git", {{"url", "https://github.com/acme/web"}}}};
  world.step();
  CHECK(world.last.status.build->source == std::string(40, 'c'));
  auto request = contract::parse_request(
      string_at(*world.last.create_pod, {"metadata", "annotations", kRequestAnnotation}));
  REQUIRE(request.ok());
  CHECK(request->resolved.commit == std::string(40, 'c'));
  CHECK(request->resolved.tags[0] == "sha-cccccccccccc-" + world.last.status.build->hash);
  // A new commit is no trigger yet: retries keep the one that was resolved.
  world.commit.commit = std::string(40, 'f');
  world.run();
  world.end(failure_report(api::FailureClass::Transient, "RegistryUnavailable"));
  world.step();
  world.now += 30;
  world.step();
  CHECK(world.last.status.build->source == std::string(40, 'c'));
}

TEST_CASE("a repository the operator cannot look into is left to the builder") {
  for (bool private_repository : {false, true}) {
    World world;
    world.object["spec"]["source"] = {{"git", {{"url", "https://github.com/acme/web"}}}};
    if (private_repository)
      world.object["spec"]["source"]["git"]["secretRef"]["name"] = "git";
    else
      world.commit = {};
    world.build_well();
    CHECK(world.last.status.image->tags[0] == "b-" + world.last.status.build->hash);
    CHECK(world.condition("UpToDate") == "True/InputsBuilt");
    world.step();
    CHECK_FALSE(world.last.create_pod);
  }
}

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
  CHECK(world.last.status.baseline->samples == 3);
  CHECK(world.last.status.find_condition("Ready")->message.find("(-200 B)") != std::string::npos);
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
