#include "operator/runtime/controller.h"

#include <exception>

#include "common/base/scope_exit.h"
#include "operator/runtime/steady_clock.h"

namespace imagebuild::runtime {
namespace {

// An error that repeating does not mend is looked at again all the same,
// in case the world around it changed.
constexpr Duration kTerminalRetry{600'000};

}  // namespace

std::string_view to_string(ReconcileResult result) {
  switch (result) {
    case ReconcileResult::Success:
      return "success";
    case ReconcileResult::RequeueAfter:
      return "requeue_after";
    case ReconcileResult::Error:
      return "error";
    case ReconcileResult::Terminal:
      return "terminal";
  }
  return "";
}

Controller::Controller(WorkQueue& queue, Reconcile reconcile, Options options)
    : queue_(queue),
      reconcile_(std::move(reconcile)),
      options_(std::move(options)),
      clock_(options_.clock ? *options_.clock : steady_clock()),
      progress_(clock_.now()) {}

Controller::~Controller() { stop(); }

void Controller::start() {
  for (int i = 0; i < options_.workers; ++i)
    workers_.emplace_back([this](const std::stop_token& stop) {
      while (auto item = queue_.get(stop)) work(*item, stop);
    });
}

void Controller::stop() {
  for (auto& worker : workers_) worker.request_stop();
  queue_.shut_down();
  workers_.clear();
}

bool Controller::work_once() {
  auto item = queue_.try_get();
  if (item) work(*item, {});
  return item.has_value();
}

Duration Controller::stalled_for() const {
  return active_ < options_.workers ? Duration(0) : clock_.now() - progress_.load();
}

void Controller::work(const WorkQueue::Item& item, const std::stop_token& stop) {
  ScopeExit done([&] { queue_.done(item.key); });
  if (options_.may_work && !options_.may_work()) return;
  TimePoint began = clock_.now();
  progress_ = began;
  int active = ++active_;
  if (options_.observer) options_.observer->workers_active(active);
  Result<Outcome> outcome = [&]() -> Result<Outcome> {
    try {
      return reconcile_(item.key, stop);
    } catch (
        const std::exception& error) {  // one object's surprise must not end the work on all others
      return fail(ErrorKind::Internal, std::string("unexpected: ") + error.what());
    }
  }();
  ReconcileResult result = apply(item, outcome);
  progress_ = clock_.now();
  active = --active_;
  if (!options_.observer) return;
  options_.observer->workers_active(active);
  options_.observer->reconciled(result, clock_.now() - began);
}

ReconcileResult Controller::apply(const WorkQueue::Item& item, const Result<Outcome>& outcome) {
  const ObjectKey& key = item.key;
  if (outcome.ok()) {
    queue_.forget(key);
    if (!outcome->requeue_after) return ReconcileResult::Success;
    queue_.add_after(key, *outcome->requeue_after, Priority::Background);
    return ReconcileResult::RequeueAfter;
  }
  const Error& error = outcome.error();
  Logger log = options_.log.with(
      {{"controller", options_.name}, {"namespace", key.name_space}, {"name", key.name}});
  switch (error.kind) {
    case ErrorKind::InvalidInput:
      log.error("reconcile failed for good", {{"error", error}});
      queue_.forget(key);
      queue_.add_after(key, kTerminalRetry, Priority::Background);
      return ReconcileResult::Terminal;
    case ErrorKind::Canceled:  // we are being stopped, whoever works next lists everything anew
      log.debug("reconcile interrupted", {{"error", error}});
      return ReconcileResult::Error;
    case ErrorKind::Conflict:
      log.debug("reconcile met a newer version", {{"error", error}});
      queue_.add_rate_limited(key, item.priority);
      return ReconcileResult::Error;
    case ErrorKind::NotFound:
    case ErrorKind::Denied:
    case ErrorKind::Transient:
    case ErrorKind::Internal:
      break;
  }
  log.warn("reconcile failed, will retry",
           {{"error", error}, {"failures", queue_.failures(key) + 1}});
  queue_.add_rate_limited(key, item.priority);
  return ReconcileResult::Error;
}

}  // namespace imagebuild::runtime
