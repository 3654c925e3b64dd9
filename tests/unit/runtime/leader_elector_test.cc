#include "operator/runtime/leader_elector.h"

#include <regex>
#include <thread>

#include "common/base/json.h"
#include "tests/support/catch.h"
#include "tests/support/fake_api/fake_api.h"
#include "tests/support/fake_clock.h"

using namespace imagebuild;
using namespace imagebuild::runtime;
using namespace std::chrono_literals;
using kube::kLeases;
using testing::FakeApi;
using testing::on;
using Action = FakeApi::Action;

namespace {

struct Replica {
  std::unique_ptr<kube::Client> client;
  std::vector<std::string> heard;
  LeaderElector elector;

  Replica(FakeApi& api, const Clock& clock, const std::string& identity,
          LeaderElectionTiming timing = {})
      : client(kube::Client::make(api.config())),
        elector(*client,
                {.name_space = "system",
                 .name = "operator",
                 .identity = identity,
                 .timing = timing,
                 .wall_clock = &clock,
                 .steady_clock = &clock},
                {.on_started = [this] { heard.push_back("started"); },
                 .on_stopped = [this] { heard.push_back("stopped"); },
                 .on_new_leader =
                     [this](const std::string& leader) { heard.push_back("leader " + leader); }}) {}
};

struct Fixture {
  FakeApi api;
  FakeClock clock;
  Replica a{api, clock, "a"}, b{api, clock, "b"};

  Json spec() { return api.get(kLeases, {"system", "operator"})["spec"]; }
};

using Heard = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Fixture, "the first replica creates the lease and leads, the second waits") {
  CHECK(a.elector.tick() == 2s);
  CHECK(a.elector.is_leader());
  auto pause = b.elector.tick();
  REQUIRE(pause);
  CHECK(*pause >= 2s);
  CHECK(*pause <= 4400ms);
  CHECK_FALSE(b.elector.is_leader());
  CHECK(b.elector.leader() == "a");
  CHECK(a.heard == Heard{"leader a", "started"});
  CHECK(b.heard == Heard{"leader a"});
  CHECK(spec()["leaseDurationSeconds"] == 15);
  CHECK(spec()["leaseTransitions"] == 0);
  CHECK(spec()["renewTime"] == "2023-11-14T22:13:20.000000Z");
}

TEST_CASE_METHOD(Fixture, "a lease that is renewed is never taken") {
  a.elector.tick();
  for (int i = 0; i < 60; ++i) {
    clock.advance(2s);
    CHECK(a.elector.tick() == 2s);
    b.elector.tick();
    CHECK(a.elector.is_leader());
    CHECK_FALSE(b.elector.is_leader());
  }
  CHECK(a.heard == Heard{"leader a", "started"});
}

TEST_CASE_METHOD(
    Fixture,
    "a dead leader's lease is taken 15 seconds after its last change was seen, and counted") {
  a.elector.tick();
  b.elector.tick();
  clock.advance(14s);
  b.elector.tick();
  CHECK_FALSE(b.elector.is_leader());
  clock.advance(1s);
  b.elector.tick();
  CHECK(b.elector.is_leader());
  CHECK(spec()["holderIdentity"] == "b");
  CHECK(spec()["leaseTransitions"] == 1);
  CHECK_FALSE(a.elector.is_leader());  // its own deadline, without a request
  CHECK(a.elector.tick() == std::nullopt);
  CHECK(a.heard == Heard{"leader a", "started", "stopped"});
}

TEST_CASE_METHOD(Fixture, "a leader that cannot renew stops writing at 10 seconds and then stops") {
  a.elector.tick();
  api.inject({.matches = on("", "/leases"), .action = Action::ServerError, .times = -1});
  clock.advance(9s);
  CHECK(a.elector.tick() == 1s);  // what is left
  CHECK(a.elector.is_leader());
  clock.advance(1s);
  CHECK_FALSE(a.elector.is_leader());
  CHECK(a.elector.tick() == std::nullopt);
  CHECK(a.heard.back() == "stopped");
}

TEST_CASE_METHOD(
    Fixture,
    "a leader that was paused beyond the deadline stops, although the lease is still its own") {
  a.elector.tick();
  clock.advance(11s);
  CHECK(a.elector.tick() == std::nullopt);
  CHECK(a.heard.back() == "stopped");
}

TEST_CASE_METHOD(Fixture, "a leader whose lease was given to another stops at once") {
  a.elector.tick();
  api.change(kLeases, {"system", "operator"}, {{"spec", {{"holderIdentity", "c"}}}});
  clock.advance(2s);
  CHECK(a.elector.tick() == std::nullopt);
  CHECK(a.heard == Heard{"leader a", "started", "leader c", "stopped"});
}

TEST_CASE_METHOD(Fixture, "a lease that somebody annotated is renewed all the same") {
  a.elector.tick();
  api.change(kLeases, {"system", "operator"}, {{"metadata", {{"annotations", {{"note", "x"}}}}}});
  clock.advance(2s);
  CHECK(a.elector.tick() == 2s);
}

TEST_CASE_METHOD(Fixture, "a leader that recovers within the deadline goes on") {
  for (auto action : {Action::ServerError, Action::Conflict, Action::TooManyRequests,
                      Action::ResetBeforeEffect, Action::ResetAfterEffect}) {
    CAPTURE(static_cast<int>(action));
    a.elector.tick();
    api.inject({.matches = on("PUT", "/leases"), .action = action});
    clock.advance(2s);
    CHECK(a.elector.tick() == 2s);
    clock.advance(2s);
    CHECK(a.elector.tick() == 2s);
    CHECK(a.elector.is_leader());
  }
  CHECK(a.heard == Heard{"leader a", "started"});
}

TEST_CASE_METHOD(Fixture, "of two replicas that see an expired lease one wins") {
  api.put(kLeases, {{"metadata", {{"namespace", "system"}, {"name", "operator"}}},
                    {"spec",
                     {{"holderIdentity", "dead"},
                      {"leaseDurationSeconds", 15},
                      {"renewTime", "2000-01-01T00:00:00.000000Z"},
                      {"leaseTransitions", 4}}}});
  a.elector.tick();
  b.elector.tick();
  CHECK_FALSE(
      a.elector.is_leader());  // its clock may be wrong: first watch the record for its duration
  clock.advance(15s);
  std::jthread racer([&] { a.elector.tick(); });
  b.elector.tick();
  racer.join();
  CHECK(a.elector.is_leader() != b.elector.is_leader());
  CHECK(spec()["leaseTransitions"] == 5);
}

TEST_CASE_METHOD(Fixture, "a released lease is free at once") {
  std::stop_source stop;
  a.elector.tick();
  stop.request_stop();
  CHECK(a.elector.run(stop.get_token()));
  CHECK_FALSE(a.elector.is_leader());
  CHECK(spec()["holderIdentity"] == "");
  CHECK(b.elector.tick() == 2s);
  CHECK(b.elector.is_leader());
  a.elector.release();  // not ours any more
  CHECK(spec()["holderIdentity"] == "b");
}

TEST_CASE("running in a thread, the elector leads, stops at once and releases") {
  FakeApi api;
  auto client = kube::Client::make(api.config());
  std::atomic<bool> leads{false};
  LeaderElector elector(*client, {.name_space = "system", .name = "operator"},
                        {.on_started = [&] { leads = true; }});
  bool stopped = false;
  std::jthread thread([&](const std::stop_token& stop) { stopped = elector.run(stop); });
  while (!leads) std::this_thread::yield();
  auto begin = std::chrono::steady_clock::now();
  thread.request_stop();
  thread.join();
  CHECK(stopped);
  CHECK(std::chrono::steady_clock::now() - begin < 1500ms);
  CHECK(api.get(kLeases, {"system", "operator"})["spec"]["holderIdentity"] == "");
}

TEST_CASE("another timing is kept to by leader and standby") {
  FakeApi api;
  FakeClock clock;
  const LeaderElectionTiming timing{
      .lease_duration = 60s, .renew_deadline = 40s, .retry_period = 5s};
  Replica a{api, clock, "a", timing}, b{api, clock, "b", timing};
  CHECK(a.elector.tick() == 5s);
  CHECK(api.get(kLeases, {"system", "operator"})["spec"]["leaseDurationSeconds"] == 60);
  auto pause = b.elector.tick();
  REQUIRE(pause);
  CHECK(*pause >= 5s);
  CHECK(*pause <= 11s);
  clock.advance(39s);
  CHECK(a.elector.is_leader());
  clock.advance(1s);
  CHECK_FALSE(a.elector.is_leader());
  clock.advance(19s);
  b.elector.tick();
  CHECK_FALSE(b.elector.is_leader());
  clock.advance(1s);
  b.elector.tick();
  CHECK(b.elector.is_leader());
}

TEST_CASE("timings with which two could write, or a leader could not renew, are refused") {
  CHECK(LeaderElectionTiming{}.check().ok());
  const std::pair<LeaderElectionTiming, const char*> rows[] = {
      {{15s, 15s, 2s}, "the renew deadline of 15s is not shorter than the lease duration of 15s"},
      {{15s, 20s, 2s}, "two replicas could write at once"},
      {{15s, 10s, 9s}, "no time to try again after a retry period of 9s"},
      {{15s, 12s, 10s}, "no time to try again"},  // 1.2 of it, exactly
      {{15s, 10s, 50ms}, "the retry period of 50ms is below 100ms"},
      {{500ms, 400ms, 100ms}, "the lease duration of 500ms is not between 1s and 24h"},
      {{25h, 10s, 2s}, "the lease duration of 90000s is not between 1s and 24h"},
  };
  for (const auto& [timing, message] : rows) {
    CAPTURE(message);
    auto checked = timing.check();
    REQUIRE_FALSE(checked.ok());
    CHECK(checked.error().kind == ErrorKind::InvalidInput);
    CHECK(checked.error().message.find(message) != std::string::npos);
  }
  CHECK(LeaderElectionTiming{15s, 12s, 9s}.check().ok());
}

TEST_CASE("an identity names host and process") {
  auto identity = make_leader_identity();
  CHECK(std::regex_match(identity, std::regex("[^_]+_[0-9a-f-]{36}")));
  CHECK(identity != make_leader_identity());
}
