#include "operator/runtime/controller.h"

#include <stdexcept>

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

using namespace imagebuild;
using namespace imagebuild::runtime;
using namespace std::chrono_literals;

namespace {

struct Observer : ControllerObserver {
  std::vector<ReconcileResult> results;
  void reconciled(ReconcileResult result, Duration) override { results.push_back(result); }
  void workers_active(int) override {}
};

}  // namespace

TEST_CASE("what reconcile returns decides when the key comes again") {
  struct Row {
    const char* name;
    std::function<Result<Outcome>()> reconcile;
    ReconcileResult result;
    Duration not_before, by;  // by 0: never
    unsigned failures;
  };
  auto error = [](ErrorKind kind) {
    return [kind]() -> Result<Outcome> { return fail(kind, "no"); };
  };
  for (const Row& row : {
           Row{"success", [] { return Outcome{}; }, ReconcileResult::Success, 0ms, 0ms, 0},
           Row{"look again", [] { return Outcome{.requeue_after = 5min}; },
               ReconcileResult::RequeueAfter, 5min - 1ms, 5min, 0},
           Row{"transient", error(ErrorKind::Transient), ReconcileResult::Error, 4ms, 5ms, 1},
           Row{"conflict", error(ErrorKind::Conflict), ReconcileResult::Error, 4ms, 5ms, 1},
           Row{"denied", error(ErrorKind::Denied), ReconcileResult::Error, 4ms, 5ms, 1},
           Row{"invalid", error(ErrorKind::InvalidInput), ReconcileResult::Terminal, 599s, 600s, 0},
           Row{"stopped", error(ErrorKind::Canceled), ReconcileResult::Error, 0ms, 0ms, 0},
           Row{"an exception", []() -> Result<Outcome> { throw std::runtime_error("surprise"); },
               ReconcileResult::Error, 4ms, 5ms, 1},
       }) {
    CAPTURE(row.name);
    FakeClock clock;
    Observer observer;
    WorkQueue queue(WorkQueue::Options{.clock = &clock});
    int calls = 0;
    Controller controller(
        queue, [&](const ObjectKey&, const std::stop_token&) { return ++calls, row.reconcile(); },
        {.observer = &observer, .clock = &clock});
    queue.add({"a", "x"}, Priority::User);
    REQUIRE(controller.work_once());
    CHECK(observer.results == std::vector{row.result});
    CHECK(queue.failures({"a", "x"}) == row.failures);
    clock.advance(row.not_before);
    CHECK_FALSE(controller.work_once());
    clock.advance(row.by == 0ms ? Duration(24h) : row.by - row.not_before);
    CHECK(controller.work_once() == (row.by != 0ms));
  }
}

TEST_CASE("nothing is reconciled while we may not write") {
  WorkQueue queue;
  bool leader = false;
  int calls = 0;
  Controller controller(
      queue, [&](const ObjectKey&, const std::stop_token&) { return ++calls, Outcome{}; },
      {.may_work = [&] { return leader; }});
  queue.add({"a", "x"}, Priority::User);
  CHECK(controller.work_once());
  CHECK(calls == 0);
  leader = true;
  queue.add({"a", "x"}, Priority::User);
  CHECK(controller.work_once());
  CHECK(calls == 1);
}

TEST_CASE("workers reconcile every key, and stop() interrupts the one that is running") {
  WorkQueue queue;
  std::atomic<int> done{0};
  std::atomic<bool> waiting{false};
  Controller controller(queue,
                        [&](const ObjectKey& key, const std::stop_token& stop) -> Result<Outcome> {
                          if (key.name != "slow") return ++done, Outcome{};
                          waiting = true;
                          while (!stop.stop_requested()) std::this_thread::yield();
                          return fail(ErrorKind::Canceled, "stopped");
                        },
                        {.workers = 3});
  controller.start();
  for (int i = 0; i < 50; ++i) queue.add({"a", std::to_string(i)}, Priority::Background);
  queue.add({"a", "slow"}, Priority::User);
  while (done < 50 || !waiting) std::this_thread::yield();
  controller.stop();
  CHECK(done == 50);
}

TEST_CASE("workers that are all busy and get nowhere are stalled, one that is free is not") {
  FakeClock clock;
  WorkQueue queue(WorkQueue::Options{.clock = &clock});
  Controller* self = nullptr;
  Duration inside{0};
  Controller controller(
      queue,
      [&](const ObjectKey&, const std::stop_token&) {
        clock.advance(4min);
        inside = self->stalled_for();
        return Outcome{};
      },
      {.workers = 1, .clock = &clock});
  self = &controller;
  CHECK(controller.stalled_for() == 0ms);
  queue.add({"a", "x"}, Priority::User);
  REQUIRE(controller.work_once());
  CHECK(inside == 4min);
  CHECK(controller.stalled_for() == 0ms);
}
