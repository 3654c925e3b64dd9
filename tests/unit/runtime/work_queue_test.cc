#include "operator/runtime/work_queue.h"

#include <set>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

using namespace imagebuild;
using namespace imagebuild::runtime;
using namespace std::chrono_literals;

namespace {

constexpr auto User = Priority::User;
constexpr auto Background = Priority::Background;

struct Fixture {
  FakeClock clock;
  WorkQueue queue{WorkQueue::Options{.clock = &clock}};

  // Everything that is due, in order, each taken and finished.
  std::vector<std::string> drain() {
    std::vector<std::string> keys;
    while (auto item = queue.try_get()) {
      keys.push_back(item->key.to_string());
      queue.done(item->key);
    }
    return keys;
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Fixture, "a key that is added twice is worked on once") {
  queue.add({"a", "x"}, User);
  queue.add({"a", "x"}, User);
  CHECK(queue.depth() == 1);
  CHECK(drain() == Names{"a/x"});
}

TEST_CASE_METHOD(
    Fixture, "a key that is added while it is worked on comes again, but only when that is done") {
  queue.add({"a", "x"}, User);
  auto item = queue.try_get();
  REQUIRE(item);
  queue.add({"a", "x"}, Background);
  queue.add({"a", "x"}, Background);
  CHECK_FALSE(queue.try_get());
  queue.done(item->key);
  CHECK(drain() == Names{"a/x"});
}

TEST_CASE_METHOD(Fixture, "what a user caused comes before background work") {
  queue.add({"a", "1"}, Background);
  queue.add({"a", "2"}, Background);
  queue.add({"b", "3"}, User);
  CHECK(drain() == Names{"b/3", "a/1", "a/2"});
}

TEST_CASE_METHOD(Fixture, "background work that a user touches moves up, and never down again") {
  queue.add({"a", "1"}, Background);
  queue.add({"a", "2"}, Background);
  queue.add({"a", "2"}, User);
  queue.add({"a", "2"}, Background);
  CHECK(queue.depth() == 2);
  CHECK(drain() == Names{"a/2", "a/1"});
  CHECK(queue.depth() == 0);
}

TEST_CASE_METHOD(Fixture, "namespaces take turns") {
  for (const char* name : {"1", "2", "3"}) queue.add({"big", name}, User);
  queue.add({"small", "x"}, User);
  queue.add({"tiny", "y"}, User);
  CHECK(drain() == Names{"big/1", "small/x", "tiny/y", "big/2", "big/3"});
}

TEST_CASE_METHOD(Fixture, "a delayed key comes when its time has come, the earliest of several") {
  queue.add_after({"a", "x"}, 10s, Background);
  queue.add_after({"a", "x"}, 60s, User);
  queue.add_after({"a", "y"}, 5s, User);
  CHECK(drain().empty());
  clock.advance(9s);
  CHECK(drain() == Names{"a/y"});
  clock.advance(1s);
  auto item = queue.try_get();
  REQUIRE(item);
  CHECK(item->priority == User);
  queue.done(item->key);
  clock.advance(1h);
  CHECK(drain().empty());
}

TEST_CASE_METHOD(Fixture, "back-off is per key, doubles from 5 ms up to 1000 s and is forgotten") {
  Duration expected = 5ms;
  for (unsigned attempt = 0; attempt < 25; ++attempt) {
    queue.add_rate_limited({"a", "x"}, User);
    clock.advance(expected - 1ms);
    CHECK(drain().empty());
    clock.advance(1ms);
    CHECK(drain() == Names{"a/x"});
    expected = std::min<Duration>(expected * 2, 1000s);
  }
  CHECK(queue.failures({"a", "x"}) == 25);
  CHECK(queue.failures({"a", "y"}) == 0);
  queue.forget({"a", "x"});
  queue.add_rate_limited({"a", "x"}, User);
  clock.advance(5ms);
  CHECK(drain() == Names{"a/x"});
}

TEST_CASE_METHOD(Fixture, "a queue that is shut down is drained and takes nothing more") {
  queue.add({"a", "x"}, User);
  queue.add_after({"a", "later"}, 1s, User);
  queue.shut_down();
  queue.add({"a", "y"}, User);
  auto item = queue.get();
  REQUIRE(item);
  CHECK(item->key.name == "x");
  queue.done(item->key);
  CHECK_FALSE(queue.get());
}

TEST_CASE("waiting workers wake for new keys, for delayed keys and for the stop token") {
  WorkQueue queue;
  std::optional<WorkQueue::Item> first, second, third;
  std::stop_source stop;
  std::jthread worker([&] {
    first = queue.get();
    second = queue.get();
    third = queue.get(stop.get_token());
  });
  queue.add({"a", "x"}, User);
  queue.add_after({"a", "y"}, 20ms, User);
  while (queue.depth() > 0) std::this_thread::yield();
  stop.request_stop();
  worker.join();
  REQUIRE(first);
  CHECK(first->key.name == "x");
  REQUIRE(second);
  CHECK(second->key.name == "y");
  CHECK_FALSE(third);
}

TEST_CASE("many workers never hold the same key at once, and every key is worked on") {
  WorkQueue queue;
  std::mutex mutex;
  std::multiset<std::string> held;
  std::map<std::string, int> worked;
  bool twice = false;
  std::vector<std::jthread> workers;
  for (int i = 0; i < 4; ++i)
    workers.emplace_back([&] {
      while (auto item = queue.get()) {
        {
          std::lock_guard lock(mutex);
          held.insert(item->key.to_string());
          twice |= held.count(item->key.to_string()) > 1;
          ++worked[item->key.to_string()];
        }
        std::this_thread::yield();
        {
          std::lock_guard lock(mutex);
          held.erase(item->key.to_string());
        }
        queue.done(item->key);
      }
    });
  for (int i = 0; i < 2000; ++i)
    queue.add({"n" + std::to_string(i % 3), std::to_string(i % 17)}, i % 2 ? User : Background);
  queue.shut_down();
  workers.clear();
  CHECK_FALSE(twice);
  CHECK(worked.size() == 3 * 17);
}

TEST_CASE("the observer hears of depth, waiting and working time") {
  struct Observer : QueueObserver {
    std::vector<std::string> heard;
    void added(std::size_t depth) override { heard.push_back("added " + std::to_string(depth)); }
    void started(std::size_t depth, Duration waited) override {
      heard.push_back("started " + std::to_string(depth) + " " + std::to_string(waited.count()));
    }
    void finished(Duration worked) override {
      heard.push_back("finished " + std::to_string(worked.count()));
    }
    void retried() override { heard.push_back("retried"); }
  } observer;
  FakeClock clock;
  WorkQueue queue(WorkQueue::Options{.clock = &clock, .observer = &observer});
  queue.add({"a", "x"}, User);
  queue.add({"a", "x"}, User);
  clock.advance(30ms);
  auto item = queue.try_get();
  clock.advance(7ms);
  queue.done(item->key);
  queue.add_rate_limited({"a", "x"}, User);
  CHECK(observer.heard == Names{"added 1", "started 0 30", "finished 7", "retried"});
}
