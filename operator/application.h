// The operator put together: informers → queue → workers, slots, metrics and probes, leadership.
// Members are in the order of use: what is destroyed first uses what is destroyed later.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "common/http/server.h"
#include "common/http/transport.h"
#include "operator/controller/reconciler.h"
#include "operator/hooks.h"
#include "operator/options.h"
#include "operator/runtime/controller.h"
#include "operator/runtime/informer.h"
#include "operator/runtime/leader_elector.h"
#include "operator/telemetry/endpoints.h"

namespace imagebuild {

class Application {
 public:
  /// Connects and starts serving probes; fails when the API server cannot be
  /// asked or the address is taken.
  static Result<std::unique_ptr<Application>> make(const OperatorOptions& options, Logger log,
                                                   std::string version);
  ~Application();

  /// Works until `stop`, or until leadership is lost. The exit status.
  int run(const std::stop_token& stop);

  int metrics_port() const { return server_->port(); }
  std::optional<int> page_port() const;

 private:
  Application(const OperatorOptions& options, Logger log, std::string version,
              kube::ClientConfig config);
  void connect_handlers();
  void set_metric_sources();
  Result<void> serve();
  Result<void> serve_page();
  Result<controller::PodShape> choose_shape(const std::stop_token& stop);
  bool work(const std::stop_token& stop);
  void hold_slots_of_running_pods();
  std::string readiness() const;
  std::string health() const;
  void watch_health_of(const runtime::Controller* workers);

  const OperatorOptions options_;
  const Logger log_;
  const SystemClock clock_;
  telemetry::Metrics metrics_;
  QueueHooks queue_hooks_;
  ControllerHooks controller_hooks_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<http::Transport> git_transport_;
  runtime::WorkQueue queue_;
  controller::PodIndex pod_index_;
  controller::TagIndex tag_index_;
  controller::BuildQueue slots_;
  controller::EventRecorder events_;
  runtime::Informer<api::ImageBuild> builds_;
  runtime::Informer<controller::PodView> pods_;
  mutable std::mutex workers_mutex_;
  const runtime::Controller* workers_ = nullptr;  ///< guarded by workers_mutex_; while they run
  std::atomic<bool> writing_{false};              ///< without leader election: workers run
  std::unique_ptr<runtime::LeaderElector> elector_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Server> page_server_;  ///< null without --page
};

}  // namespace imagebuild
