// The shipped controller against the fake API server: informers replaced by reading everything
// before each visit (what a cache that keeps up knows), faults injected into every write, and the
// operator killed at any moment.
#include "operator/controller/reconciler.h"

#include <random>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/fake_api/fake_api.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/controller/builders.h"

using namespace imagebuild;
using namespace imagebuild::controller;
using namespace imagebuild::controller::testing;
using imagebuild::testing::FakeApi;
using imagebuild::testing::on;

namespace {

const kube::ObjectKey kWeb{"shop", "web"};

struct CountingObserver final : telemetry::BuildObserver {
  void build_finished(const telemetry::BuildOutcome& outcome) override {
    results.push_back(outcome.result);
  }
  void build_waited(double) override {}
  std::vector<std::string> results;
};

/// One life of the operator: its memory is lost with it.
struct Operator {
  FakeApi& api;
  FakeClock& clock;
  CountingObserver& observer;
  std::unique_ptr<kube::Client> client =
      kube::Client::make(api.config(), {.retry = {.first = Duration(1), .limit = Duration(2)}});
  PodIndex pods;
  TagIndex tags;
  std::shared_ptr<const api::ImageBuild> cached;
  BuildQueue slots{{.total = 5}, clock, [](const kube::ObjectKey&) {}};
  EventRecorder events{*client, clock, {}, "test"};
  PodSettings pod_settings = settings();
  std::unique_ptr<Reconciler> reconciler;

  Operator(FakeApi& fake, FakeClock& time, CountingObserver& counts)
      : api(fake), clock(time), observer(counts) {
    start();
  }

  void start() {
    reconciler = std::make_unique<Reconciler>(
        Reconciler::Parts{.client = *client,
                          .find_object = [this](const kube::ObjectKey&) { return cached; },
                          .pods = pods,
                          .tags = tags,
                          .slots = slots,
                          .resolve_commit =
                              [](const api::GitSource&, const std::stop_token&) {
                                return ResolvedCommit{std::string(40, 'c'), "main@sha1:c"};
                              },
                          .events = events,
                          .metrics = observer,
                          .clock = clock,
                          .log = {}},
        pod_settings);
  }

  void fill_cache() {
    Json object = api.get(kube::kImageBuilds, kWeb);
    cached = object.is_null()
                 ? nullptr
                 : std::make_shared<const api::ImageBuild>(api::imagebuild_from_json(object));
    if (!cached) return;
    for (const PodView& known : pods.pods_of(cached->uid))
      pods.change(std::make_shared<const PodView>(known), nullptr);
    for (const Json& pod : api.all(kube::kPods)) {
      auto view = std::make_shared<const PodView>(pod_view_from_json(pod));
      if (!view->owner_uid.empty()) pods.change(nullptr, view);
    }
  }

  Result<runtime::Outcome> visit() {
    fill_cache();
    return reconciler->reconcile(kWeb, {});
  }
};

struct Cluster {
  FakeApi api;
  FakeClock clock{at(0)};
  CountingObserver observer;
  std::unique_ptr<Operator> running;

  Cluster() {
    Json object = inline_object();
    object["metadata"].erase("resourceVersion");
    api.put(kube::kImageBuilds, object);
    restart();
  }
  void restart() { running = std::make_unique<Operator>(api, clock, observer); }
  Json object() const { return api.get(kube::kImageBuilds, kWeb); }
  std::string ready() const {
    api::Status status = api::imagebuild_from_json(object()).status;
    const api::Condition* condition = status.find_condition("Ready");
    return condition == nullptr ? "-" : condition->status + "/" + condition->reason;
  }
  std::vector<Json> pods() const { return api.all(kube::kPods); }

  void kubelet_runs(const Json& pod) {
    api.change(
        kube::kPods, {"shop", pod["metadata"]["name"]},
        {{"status",
          {{"phase", "Running"},
           {"containerStatuses",
            Json::array(
                {{{"name", "builder"},
                  {"state", {{"running", {{"startedAt", format_rfc3339(clock.now())}}}}}}})}}}});
  }
  void kubelet_ends(const Json& pod, const contract::BuildReport& report) {
    const bool good = report.result == contract::BuildResult::Success;
    const std::string name = pod["metadata"]["name"];
    std::string log;
    for (const std::string& line : contract::report_lines(report)) log += line + "\n";
    api.set_log({"shop", name}, log);
    api.change(kube::kPods, {"shop", name},
               {{"status",
                 {{"phase", good ? "Succeeded" : "Failed"},
                  {"containerStatuses",
                   Json::array({{{"name", "builder"},
                                 {"state",
                                  {{"terminated",
                                    {{"exitCode", good ? 0 : 1},
                                     {"reason", good ? "Completed" : "Error"},
                                     {"startedAt", format_rfc3339(clock.now())},
                                     {"finishedAt", format_rfc3339(clock.now())},
                                     {"message", contract::termination_message(report)}}}}}}})}}}});
  }
};

}  // namespace

TEST_CASE("apply an object, run its pod, read the image from the status") {
  Cluster cluster;
  REQUIRE(cluster.running->visit().ok());
  REQUIRE(cluster.pods().size() == 1);
  CHECK(cluster.ready() == "Unknown/Pending");
  cluster.kubelet_runs(cluster.pods()[0]);
  REQUIRE(cluster.running->visit().ok());
  CHECK(cluster.ready() == "Unknown/Progressing");
  cluster.kubelet_ends(cluster.pods()[0], success_report(5000));
  REQUIRE(cluster.running->visit().ok());
  CHECK(cluster.ready() == "True/Succeeded");
  CHECK(cluster.object()["status"]["image"]["sizeBytes"] == 5000);
  CHECK(cluster.object()["status"]["image"]["platforms"][0]["layers"].size() == 2);
  CHECK(cluster.observer.results == std::vector<std::string>{"Success"});
  CHECK(cluster.api.all(kube::kEvents).size() == 2);

  cluster.api.forget_requests();
  REQUIRE(cluster.running->visit().ok());
  CHECK(cluster.api.requests().empty());  // a visit without news asks nothing and writes nothing
}

TEST_CASE("a namespace that refuses the pod is told in the conditions") {
  Cluster cluster;
  cluster.api.inject(
      {.matches = on("POST", "/pods"), .action = FakeApi::Action::Forbidden, .times = 1});
  REQUIRE(cluster.running->visit().ok());
  REQUIRE(cluster.running->visit().ok());
  CHECK(cluster.ready() == "False/PodRefused");
  CHECK(cluster.pods().empty());
}

TEST_CASE("a pod of another owner that has our name is not adopted") {
  Cluster cluster;
  cluster.api.inject(
      {.matches = on("POST", "/pods"), .action = FakeApi::Action::ServerError, .times = -1});
  CHECK_FALSE(cluster.running->visit().ok());
  cluster.api.clear_faults();
  const std::string name = cluster.object()["status"]["build"]["pod"];
  cluster.api.put(kube::kPods, {{"metadata", {{"namespace", "shop"}, {"name", name}}},
                                {"status", {{"phase", "Succeeded"}}}});
  REQUIRE(cluster.running->visit().ok());
  REQUIRE(cluster.running->visit().ok());
  CHECK(cluster.ready() == "False/PodRefused");
}

TEST_CASE("a create without an answer is found out, not repeated") {
  Cluster cluster;
  cluster.api.inject(
      {.matches = on("POST", "/pods"), .action = FakeApi::Action::ResetAfterEffect, .times = 1});
  static_cast<void>(cluster.running->visit().ok());  // the transport may have asked again by itself
  REQUIRE(cluster.running->visit().ok());
  CHECK(cluster.pods().size() == 1);
  CHECK(cluster.object()["status"]["build"]["attempt"] == 1);
}

TEST_CASE("whoever decided on an older object writes nothing") {
  Cluster cluster;
  cluster.running->fill_cache();
  cluster.api.change(kube::kImageBuilds, kWeb, {{"metadata", {{"annotations", {{"x", "y"}}}}}});
  // The cache is stale: the consistent read before the pod sees the new version and goes on with
  // it.
  REQUIRE(cluster.running->reconciler->reconcile(kWeb, {}).ok());
  CHECK(cluster.pods().size() == 1);
  cluster.running->fill_cache();
  auto stale = cluster.running->cached;
  cluster.kubelet_runs(cluster.pods()[0]);
  cluster.running->fill_cache();
  cluster.running->cached = stale;
  cluster.api.change(kube::kImageBuilds, kWeb, {{"metadata", {{"annotations", {{"x", "z"}}}}}});
  CHECK_FALSE(cluster.running->reconciler->reconcile(kWeb, {}).ok());  // 409
  REQUIRE(cluster.running->visit().ok());
}

TEST_CASE(
    "killed and restarted at any moment, with every write failing at times, a build is neither "
    "lost nor repeated") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    auto chance = [&](int percent) { return static_cast<int>(random() % 100) < percent; };
    Cluster cluster;
    std::set<std::string> created;  // pod names ever seen, with their uid
    std::int64_t generation = -1;
    const FakeApi::Action actions[] = {
        FakeApi::Action::Conflict, FakeApi::Action::TooManyRequests, FakeApi::Action::ServerError,
        FakeApi::Action::ResetBeforeEffect, FakeApi::Action::ResetAfterEffect};
    const std::pair<const char*, const char*> writes[] = {{"POST", "/pods"},
                                                          {"PATCH", "/status"},
                                                          {"GET", "/imagebuilds"},
                                                          {"GET", "/pods"},
                                                          {"DELETE", "/pods"}};
    int finished = 0;
    for (int i = 0; i < 60 && finished == 0; ++i) {
      if (chance(50)) {
        const auto& [method, part] = writes[random() % 5];
        cluster.api.inject(
            {.matches = on(method, part), .action = actions[random() % 5], .times = 1});
      }
      if (chance(25)) cluster.restart();
      static_cast<void>(cluster.running->visit().ok());
      cluster.api.clear_faults();
      for (const Json& pod : cluster.pods()) {
        created.insert(pod["metadata"]["name"].get<std::string>() + " " +
                       pod["metadata"]["uid"].get<std::string>());
        const std::string phase = string_at(pod, {"status", "phase"});
        if (chance(30) && phase != "Running" && phase != "Succeeded")
          cluster.kubelet_runs(pod);
        else if (chance(30) && phase == "Running")
          cluster.kubelet_ends(pod, success_report());
      }
      const auto observed = api::imagebuild_from_json(cluster.object()).status.observed_generation;
      CHECK(observed >= generation);
      generation = observed;
      if (cluster.ready() == "True/Succeeded") finished = 1;
    }
    cluster.restart();
    for (int i = 0; i < 6 && cluster.ready() != "True/Succeeded"; ++i) {
      static_cast<void>(cluster.running->visit().ok());
      for (const Json& pod : cluster.pods())
        if (string_at(pod, {"status", "phase"}) != "Succeeded")
          cluster.kubelet_ends(pod, success_report());
    }
    CHECK(cluster.ready() == "True/Succeeded");
    CHECK(cluster.object()["status"]["build"]["attempt"] == 1);
    CHECK(created.size() <= 1);  // one build, one pod, whatever happened
  }
}
