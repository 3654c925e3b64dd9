// The informer against the fake API server. Waiting is for a state, with a bound that only a
// failure reaches.
#include "operator/runtime/informer.h"

#include <map>
#include <thread>

#include "common/base/json.h"
#include "tests/support/catch.h"
#include "tests/support/fake_api/fake_api.h"

using namespace imagebuild;
using namespace imagebuild::runtime;
using namespace std::chrono_literals;
using kube::kPods;
using testing::FakeApi;
using testing::on;
using Action = FakeApi::Action;

namespace {

struct View {
  std::string phase;
};

bool eventually(const std::function<bool()>& holds) {
  auto end = std::chrono::steady_clock::now() + 20s;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

struct Fixture {
  FakeApi api;
  std::unique_ptr<kube::Client> client = kube::Client::make(
      api.config(), {.retry = Backoff{.first = 1ms, .factor = 1, .limit = 1ms, .jitter = 0}});
  std::mutex mutex;
  std::vector<std::string> log;  // guarded by mutex

  InformerOptions options{
      .type = kPods,
      .reflector = {.page_size = 3,
                    .backoff = {.first = 1ms, .factor = 1, .limit = 5ms, .jitter = 0}}};

  std::unique_ptr<Informer<View>> start() {
    auto informer = std::make_unique<Informer<View>>(*client, options, [](const Json& object) {
      auto phase = string_at(object, {"status", "phase"});
      return phase == "Unwanted" ? nullptr : std::make_shared<const View>(View{phase});
    });
    informer->on_change([this](const Informer<View>::Change& change) {
      std::lock_guard lock(mutex);
      std::string what = !change.before ? "add " : !change.after ? "delete " : "update ";
      log.push_back(what + change.key.name + (change.initial ? " initial" : ""));
    });
    informer->start();
    return informer;
  }
  bool heard(const std::string& line) {
    std::lock_guard lock(mutex);
    return std::find(log.begin(), log.end(), line) != log.end();
  }
  std::size_t heard_count() {
    std::lock_guard lock(mutex);
    return log.size();
  }
  void put(const std::string& name, const std::string& phase, Json labels = Json::object(),
           const std::string& space = "default") {
    api.put(kPods, {{"metadata", {{"namespace", space}, {"name", name}, {"labels", labels}}},
                    {"status", {{"phase", phase}}}});
  }
  bool shows(Informer<View>& informer, const std::string& name, const std::string& phase) {
    return eventually([&] {
      auto view = informer.find({"default", name});
      return phase.empty() ? !view : view && view->phase == phase;
    });
  }
  bool watching() {
    return eventually([&] { return api.watches_started() > 0; });
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "the first list comes in pages and is reported as initial") {
  for (int i = 0; i < 7; ++i) put("p" + std::to_string(i), "Pending");
  auto informer = start();
  REQUIRE(informer->wait_synced({}, 20s));
  CHECK(informer->size() == 7);
  CHECK(heard("add p6 initial"));
  CHECK(api.count_requests("GET", "limit=3") == 3);
  CHECK(api.requests()[0] == "GET /api/v1/pods?limit=3");  // no resourceVersion: a consistent read
}

TEST_CASE_METHOD(Fixture, "changes arrive through the watch, in order and with what was before") {
  put("a", "Pending");
  auto informer = start();
  REQUIRE(informer->wait_synced({}, 20s));
  put("a", "Running");
  put("b", "Pending");
  CHECK(shows(*informer, "b", "Pending"));
  CHECK(shows(*informer, "a", "Running"));
  api.erase(kPods, {"default", "a"});
  CHECK(shows(*informer, "a", ""));
  put("b", "Unwanted");
  CHECK(shows(*informer, "b", ""));
  std::lock_guard lock(mutex);
  CHECK(log ==
        std::vector<std::string>{"add a initial", "update a", "add b", "delete a", "delete b"});
}

TEST_CASE_METHOD(Fixture, "a watch that is cut goes on where it was, without a new list") {
  api.end_watches_abruptly(GENERATE(false, true));
  auto informer = start();
  REQUIRE(informer->wait_synced({}, 20s));
  REQUIRE(watching());
  put("a", "Pending");
  REQUIRE(shows(*informer, "a", "Pending"));
  api.cut_watches();
  put("a", "Running");
  CHECK(shows(*informer, "a", "Running"));
  CHECK(api.count_requests("GET", "limit=3") == 1);
}

TEST_CASE_METHOD(Fixture, "after 410 the new list is compared with the store, deletions included") {
  for (const char* name : {"gone", "kept", "changed"}) put(name, "Pending");
  auto informer = start();
  REQUIRE(informer->wait_synced({}, 20s));
  REQUIRE(watching());
  api.inject({.matches = on("GET", "watch=1"),
              .action = Action::ResetBeforeEffect,
              .times = -1});  // blind …
  api.cut_watches();
  REQUIRE(eventually([&] { return api.faults_happened() > 0; }));
  api.erase(kPods, {"default", "gone"});
  put("changed", "Running");
  put("new", "Pending");
  api.compact();  // … and too long
  api.clear_faults();
  CHECK(shows(*informer, "new", "Pending"));
  CHECK(shows(*informer, "gone", ""));
  CHECK(shows(*informer, "changed", "Running"));
  CHECK(heard("delete gone"));
  CHECK(heard("update changed"));
  CHECK_FALSE(heard("update kept"));
}

TEST_CASE_METHOD(Fixture,
                 "an object that was replaced by another of its name is reported as gone and new") {
  put("a", "Pending");
  auto informer = start();
  REQUIRE(informer->wait_synced({}, 20s));
  REQUIRE(watching());
  api.inject({.matches = on("GET", "watch=1"), .action = Action::ResetBeforeEffect, .times = -1});
  api.cut_watches();
  REQUIRE(eventually([&] { return api.faults_happened() > 0; }));
  api.erase(kPods, {"default", "a"});
  put("a", "Running");
  api.compact();
  api.clear_faults();
  CHECK(shows(*informer, "a", "Running"));
  CHECK(heard("delete a"));
  CHECK(heard("add a"));
}

TEST_CASE_METHOD(Fixture,
                 "a bookmark moves the version on, so that a quiet watch survives compaction") {
  auto informer = start();
  REQUIRE(informer->wait_synced({}, 20s));
  REQUIRE(watching());
  put("elsewhere", "Pending", Json::object(), "default");
  REQUIRE(shows(*informer, "elsewhere", "Pending"));
  api.compact();
  api.send_bookmarks();
  put("after", "Pending");  // comes after the bookmark in the same stream
  REQUIRE(shows(*informer, "after", "Pending"));
  api.cut_watches();
  put("a", "Pending");
  CHECK(shows(*informer, "a", "Pending"));
  CHECK(api.count_requests("GET", "limit=3") == 1);
}

TEST_CASE_METHOD(Fixture, "a server that fails in every way is outlived") {
  for (int i = 0; i < 7; ++i) put("p" + std::to_string(i), "Pending");
  struct Row {
    const char* name;
    const char* part;
    Action action;
    int times;
  };
  for (const Row& row : {
           Row{"list 500", "limit=3", Action::ServerError, 12},
           Row{"list denied for a while", "limit=3", Action::Forbidden, 3},
           Row{"list reset", "limit=3", Action::ResetBeforeEffect, 3},
           Row{"continue token expired", "continue=", Action::Gone, 2},
           Row{"list throttled", "limit=3", Action::TooManyRequests, 7},
           Row{"watch 500", "watch=1", Action::ServerError, 3},
           Row{"watch gone", "watch=1", Action::Gone, 2},
           Row{"watch throttled", "watch=1", Action::TooManyRequests, 2},
           Row{"watch reset", "watch=1", Action::ResetAfterEffect, 2},
       }) {
    CAPTURE(row.name);
    put("late", "Pending");
    int before = api.faults_happened();
    api.inject({.matches = on("GET", row.part), .action = row.action, .times = row.times});
    auto informer = start();
    REQUIRE(informer->wait_synced({}, 20s));
    REQUIRE(eventually([&] { return api.faults_happened() == before + row.times; }));
    put("late", "Running");
    CHECK(shows(*informer, "late", "Running"));
    CHECK(informer->size() == 8);
    api.clear_faults();
  }
}

TEST_CASE_METHOD(Fixture, "selectors and namespaces limit what is kept") {
  put("one", "Pending", {{"app", "x"}});
  put("two", "Pending", {{"app", "y"}});
  put("three", "Pending", {{"app", "x"}}, "other");
  put("four", "Pending", {{"app", "x"}}, "third");
  options.namespaces = {"default", "other"};
  options.label_selector = "app=x";
  auto informer = start();
  REQUIRE(informer->wait_synced({}, 20s));
  CHECK(informer->size() == 2);
  put("one", "Pending", {{"app", "z"}});  // leaves the selector: a deletion to us
  CHECK(shows(*informer, "one", ""));
  CHECK(informer->find({"other", "three"}));
}

TEST_CASE_METHOD(
    Fixture, "stopping ends a quiet watch promptly, and so does stopping a list that never works") {
  auto begin = std::chrono::steady_clock::now();
  auto informer = start();
  REQUIRE(informer->wait_synced({}, 20s));
  REQUIRE(watching());
  informer.reset();
  api.inject({.matches = on("GET", "limit=3"), .action = Action::ServerError, .times = -1});
  options.reflector.backoff = {.first = 1h, .factor = 1, .limit = 1h, .jitter = 0};
  informer = start();
  REQUIRE(eventually([&] { return api.faults_happened() >= 5; }));
  CHECK_FALSE(informer->has_synced());
  informer.reset();
  CHECK(std::chrono::steady_clock::now() - begin < 15s);
}
