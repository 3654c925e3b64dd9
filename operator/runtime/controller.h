// Controller: N workers that take keys from a queue and reconcile them. One switch maps what came
// out to the queue's next action, a metric and a log line; the reconcile function decides nothing
// of that kind itself.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common/base/log.h"
#include "common/base/result.h"
#include "operator/runtime/work_queue.h"

namespace imagebuild::runtime {

struct Outcome {
  std::optional<Duration> requeue_after = {};  ///< look again then, as background work
};

enum class ReconcileResult { Success, RequeueAfter, Error, Terminal };
/// The label values of controller-runtime: "success", "requeue_after", "error", "terminal".
std::string_view to_string(ReconcileResult result);

class ControllerObserver {
 public:
  virtual ~ControllerObserver() = default;
  virtual void reconciled(ReconcileResult result, Duration took) = 0;
  virtual void workers_active(int count) = 0;
};

class Controller {
 public:
  using Reconcile =
      std::function<Result<Outcome>(const ObjectKey& key, const std::stop_token& stop)>;
  struct Options {
    std::string name = "controller";  ///< for logs
    int workers = 4;
    Logger log = {};
    ControllerObserver* observer = nullptr;
    const Clock* clock = nullptr;  ///< nullptr: steady time
    std::function<bool()> may_work =
        {};  ///< e.g. "we are the leader"; a key that comes while it says no is dropped
  };
  Controller(WorkQueue& queue, Reconcile reconcile, Options options);
  ~Controller();  ///< stop() and join

  void start();
  /// Shuts the queue down, tells running reconciles to stop, and waits for them.
  void stop();
  /// Takes one key and works on it, if one is due; for tests, instead of start().
  bool work_once();
  /// For how long every worker has been busy without one of them finishing; 0 while one is free.
  Duration stalled_for() const;

 private:
  void work(const WorkQueue::Item& item, const std::stop_token& stop);
  ReconcileResult apply(const WorkQueue::Item& item, const Result<Outcome>& outcome);

  WorkQueue& queue_;
  const Reconcile reconcile_;
  const Options options_;
  const Clock& clock_;
  std::atomic<int> active_{0};
  std::atomic<TimePoint> progress_;  ///< when a worker last took or finished something
  std::vector<std::jthread> workers_;  // last: they use all of the above
};

}  // namespace imagebuild::runtime
