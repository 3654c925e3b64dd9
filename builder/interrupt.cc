#include "builder/interrupt.h"

#include <csignal>

namespace imagebuild {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void Interrupt::block_signals() {
  sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A pipe whose reader gave up is an error value of write(), not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
}

Interrupt::Interrupt(std::optional<std::chrono::milliseconds> timeout)
    : thread_([this, timeout](const std::stop_token& done) { watch(done, timeout); }) {}

void Interrupt::watch(const std::stop_token& done,
                      std::optional<std::chrono::milliseconds> timeout) {
  const auto deadline =
      std::chrono::steady_clock::now() + timeout.value_or(std::chrono::milliseconds(0));
  const sigset_t set = stop_signals();
  const timespec tick{.tv_sec = 0, .tv_nsec = 100'000'000};
  while (!done.stop_requested()) {
    bool signalled = ::sigtimedwait(&set, nullptr, &tick) > 0;
    bool late = timeout && std::chrono::steady_clock::now() >= deadline;
    if (!signalled && !late) continue;
    reason_ = signalled ? StopReason::Signal : StopReason::Timeout;
    source_.request_stop();
    return;
  }
}

}  // namespace imagebuild
