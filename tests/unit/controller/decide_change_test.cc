// What a change of the object does: which builds start, wait, are superseded or refused.
#include <algorithm>

#include "operator/controller/decide.h"
#include "tests/support/catch.h"
#include "tests/unit/controller/world.h"

using namespace imagebuild;
using namespace imagebuild::controller;
using namespace imagebuild::controller::testing;

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
        "spec.source: exactly one of git, inline, oci");
  CHECK(world.pods.empty());
  CHECK(world.last.status.build->result == "Canceled");
}

TEST_CASE("no slot: queued, and nothing is written twice") {
  World world;
  world.slot = SlotAnswer::AllTaken;
  world.step();
  CHECK(world.condition("Ready") == "Unknown/Queued");
  CHECK(world.last.waits_for_slot);
  CHECK_FALSE(world.last.status.build);
  world.slot = SlotAnswer::Granted;
  world.step();
  CHECK(world.last.create_pod);
}

TEST_CASE("a queued build says whether the cluster or its namespace is full") {
  World world;
  auto message = [&] { return world.last.status.find_condition("Ready")->message; };
  world.slot = SlotAnswer::AllTaken;
  world.step();
  CHECK(message() == "waiting for other builds to finish: as many run as may run at once");
  world.slot = SlotAnswer::NamespaceFull;
  world.step();
  CHECK(message() ==
        "waiting for other builds of namespace shop to finish: it has as many as it may have at "
        "once");
  CHECK(world.condition("Reconciling") == "True/Queued");
  CHECK(world.last.waits_for_slot);
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

TEST_CASE("a tag that an older object takes shows at the younger one that pushed it before") {
  World world;
  world.build_well();
  world.conflict = "team/older";
  world.step();
  CHECK(world.condition("Ready") == "True/Succeeded");
  CHECK(world.condition("UpToDate") == "False/ImageConflict");
  CHECK(world.events.back() == "ImageConflict");
  const std::size_t events = world.events.size();
  world.step();
  CHECK(world.events.size() == events);  // told once
  world.conflict = "";
  world.step();
  CHECK(world.condition("UpToDate") == "True/InputsBuilt");
}

TEST_CASE("the annotation is the trigger also while no image was accepted") {
  World world;
  world.step();
  world.end(failure_report(api::FailureClass::Terminal, "BuildFailed"));
  world.step();
  world.object["metadata"]["annotations"]["imagebuild.dev/rebuild"] = "now";
  world.step();
  CHECK(world.last.status.build->trigger == "Manual");
}

TEST_CASE("a default push secret, node labels or tolerations that changed start no build") {
  World world;
  world.build_well();
  world.pod_settings.push_secret = "registry-push";
  world.pod_settings.placement = {.node_selector = {{"pool", "builds"}},
                                  .tolerations = Json::array({{{"key", "builds"}}})};
  world.step();
  CHECK_FALSE(world.last.create_pod);
  CHECK(world.condition("UpToDate") == "True/InputsBuilt");
}
