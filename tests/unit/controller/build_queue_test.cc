#include "operator/controller/build_queue.h"

#include <random>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

using namespace imagebuild;
using namespace imagebuild::controller;

namespace {

struct Fixture {
  FakeClock clock;
  std::vector<std::string> woken;

  BuildQueue queue_of(BuildLimits limits) {
    return BuildQueue(limits, clock,
                      [this](const kube::ObjectKey& key) { woken.push_back(key.to_string()); });
  }
};

using Woken = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Fixture, "slots: first come, first served, namespaces in turn") {
  BuildQueue queue = queue_of({.total = 1});
  CHECK(queue.acquire({"a", "1"}) == SlotAnswer::Granted);
  for (const char* name : {"2", "3", "4"})
    CHECK(queue.acquire({"a", name}) == SlotAnswer::AllTaken);
  CHECK(queue.acquire({"b", "1"}) == SlotAnswer::AllTaken);
  CHECK(queue.acquire({"a", "2"}) == SlotAnswer::AllTaken);  // asking again keeps the place
  CHECK(queue.waiting_by_namespace() == std::map<std::string, int>{{"a", 3}, {"b", 1}});
  clock.advance(Duration(5000));
  queue.release({"a", "1"});
  CHECK(woken == Woken{"a/2"});
  CHECK(queue.acquire({"a", "2"}) == SlotAnswer::Granted);
  CHECK(queue.take_wait({"a", "2"}) == 5);
  CHECK(queue.take_wait({"a", "2"}) == -1);
  queue.release({"a", "2"});
  queue.release({"b", "1"});
  queue.release({"a", "4"});  // gives its place up
  queue.release({"a", "3"});
  CHECK(woken == Woken{"a/2", "b/1", "a/3"});
  CHECK(queue.acquire({"c", "1"}) == SlotAnswer::Granted);
}

TEST_CASE_METHOD(Fixture, "slots of pods that ran before a restart count, even beyond the limits") {
  BuildQueue queue = queue_of({.total = 3, .per_namespace = 1});
  queue.hold({"a", "1"});
  queue.hold({"a", "2"});
  CHECK(queue.acquire({"a", "3"}) == SlotAnswer::NamespaceFull);
  queue.release({"a", "1"});
  CHECK(woken.empty());  // there is one of the namespace still
  CHECK(queue.acquire({"b", "1"}) == SlotAnswer::Granted);
  queue.release({"a", "2"});
  CHECK(woken == Woken{"a/3"});
}

TEST_CASE_METHOD(Fixture, "a limit of 0 is none") {
  BuildQueue queue = queue_of({.total = 0, .per_namespace = 0});
  for (int i = 0; i < 1000; ++i)
    CHECK(queue.acquire({"a", std::to_string(i)}) == SlotAnswer::Granted);
}

TEST_CASE_METHOD(Fixture, "a namespace at its limit does not keep others from building") {
  BuildQueue queue = queue_of({.total = 4, .per_namespace = 2});
  for (const char* name : {"1", "2"}) CHECK(queue.acquire({"a", name}) == SlotAnswer::Granted);
  for (const char* name : {"3", "4"})
    CHECK(queue.acquire({"a", name}) == SlotAnswer::NamespaceFull);
  for (const char* name : {"1", "2"}) CHECK(queue.acquire({"b", name}) == SlotAnswer::Granted);
  CHECK(queue.acquire({"c", "1"}) == SlotAnswer::AllTaken);
  CHECK(queue.acquire({"a", "3"}) == SlotAnswer::AllTaken);
  queue.release({"b", "1"});
  CHECK(woken == Woken{"c/1"});  // a asked before, and is at its limit
  queue.release({"a", "1"});
  CHECK(woken == Woken{"c/1", "a/3"});
}

TEST_CASE_METHOD(Fixture, "a namespace that comes below its limit has kept its turn") {
  BuildQueue queue = queue_of({.total = 2, .per_namespace = 1});
  queue.hold({"a", "1"});
  queue.hold({"b", "1"});
  for (const char* name_space : {"a", "b", "c"})
    CHECK(queue.acquire({name_space, "2"}) == SlotAnswer::AllTaken);
  queue.release({"b", "1"});
  CHECK(woken == Woken{"b/2"});
  queue.release({"a", "1"});
  CHECK(woken == Woken{"b/2", "a/2"});
  queue.release({"b", "2"});
  CHECK(woken == Woken{"b/2", "a/2", "c/2"});
}

TEST_CASE("whoever comes and goes, limits hold, no slot that could be used is free, all get one") {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    FakeClock clock;
    std::set<std::string> running, waiting;
    const int total = 2 + static_cast<int>(random() % 4), each = 1 + static_cast<int>(random() % 3);
    BuildQueue queue({.total = total, .per_namespace = each}, clock,
                     [&](const kube::ObjectKey& key) {
                       CHECK(waiting.erase(key.to_string()) == 1);
                       running.insert(key.to_string());
                     });
    auto running_in = [&](const std::string& name_space) {
      return std::count_if(running.begin(), running.end(), [&](const std::string& key) {
        return key.starts_with(name_space + "/");
      });
    };
    auto key_of = [](const std::string& text) {
      return kube::ObjectKey{text.substr(0, 1), text.substr(2)};
    };
    int asked = 0;
    while (asked < 200 || !running.empty()) {
      if (asked < 200 && random() % 5 < 3) {
        const kube::ObjectKey key{std::string(1, static_cast<char>('a' + random() % 4)),
                                  std::to_string(asked++)};
        const bool granted = queue.acquire(key) == SlotAnswer::Granted;
        (granted ? running : waiting).insert(key.to_string());
      } else if (!running.empty()) {
        const std::string done =
            *std::next(running.begin(), static_cast<long>(random() % running.size()));
        running.erase(done);
        queue.release(key_of(done));
      }
      CHECK(running.size() <= static_cast<std::size_t>(total));
      for (const char* name_space : {"a", "b", "c", "d"}) CHECK(running_in(name_space) <= each);
      for (const std::string& key : waiting)
        CHECK((running.size() == static_cast<std::size_t>(total) ||
               running_in(key.substr(0, 1)) == each));
    }
    CHECK(waiting.empty());
  }
}
