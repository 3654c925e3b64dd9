// The runtime's observer hooks, told to the metrics: neither knows the other.
#pragma once

#include <atomic>

#include "operator/runtime/controller.h"
#include "operator/runtime/steady_clock.h"
#include "operator/runtime/work_queue.h"
#include "operator/telemetry/metrics.h"

namespace imagebuild {

class QueueHooks final : public runtime::QueueObserver {
 public:
  explicit QueueHooks(telemetry::Metrics& metrics) : metrics_(metrics) {}
  void added(std::size_t depth) override { metrics_.queue_added(depth); }
  void started(std::size_t depth, Duration waited) override {
    metrics_.queue_started(depth, seconds(waited));
  }
  void finished(Duration worked) override { metrics_.queue_finished(seconds(worked)); }
  void retried() override { metrics_.queue_retried(); }

  static double seconds(Duration duration) { return static_cast<double>(duration.count()) / 1000; }

 private:
  telemetry::Metrics& metrics_;
};

class ControllerHooks final : public runtime::ControllerObserver {
 public:
  explicit ControllerHooks(telemetry::Metrics& metrics) : metrics_(metrics) {}
  void reconciled(runtime::ReconcileResult result, Duration took) override {
    metrics_.reconciled(runtime::to_string(result), QueueHooks::seconds(took));
  }
  void workers_active(int count) override { metrics_.workers_active(count); }

 private:
  telemetry::Metrics& metrics_;
};

}  // namespace imagebuild
