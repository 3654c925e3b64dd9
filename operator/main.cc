// imagebuild-operator: reads its options, puts the Application together,
// and waits for the signal to stop.
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "common/http/transport.h"
#include "operator/application.h"
#include "operator/options.h"

#ifndef IMAGEBUILD_VERSION
#define IMAGEBUILD_VERSION "unknown"
#endif

int main(int argc, char** argv) {
  using namespace imagebuild;
  auto parsed = parse_options(argc, argv);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const OperatorOptions& options = std::get<OperatorOptions>(parsed);
  const Logger log = make_stderr_logger(options.log_format, options.log_level);

  // Every thread inherits the mask: only the one below ever sees these signals.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  http::initialize_transport_threads(8);

  auto application = Application::make(options, log, IMAGEBUILD_VERSION);
  if (!application) {
    log.error("cannot start", {{"error", application.error()}});
    return 1;
  }
  log.info("started",
           {{"version", IMAGEBUILD_VERSION}, {"metricsPort", (*application)->metrics_port()}});
  if (auto port = (*application)->page_port()) log.info("serving the page", {{"port", *port}});
  std::stop_source stop;
  std::jthread waiter([&](const std::stop_token& done) {
    while (!done.stop_requested()) {
      timespec patience{0, 200'000'000};
      if (int signal = ::sigtimedwait(&signals, nullptr, &patience); signal > 0) {
        log.info("stopping", {{"signal", signal}});
        stop.request_stop();
      }
    }
  });
  const int status = (*application)->run(stop.get_token());
  log.info("stopped", {{"status", status}});
  return status;
}
