// Ends a step that takes too long: a stop token that fires with the build's, or after a limit.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "common/base/clock.h"

namespace imagebuild::executor {

class StepTimer {
 public:
  StepTimer(const std::stop_token& build, std::optional<Duration> limit)
      : forward_(build, [this] { source_.request_stop(); }) {
    if (limit) thread_ = std::jthread([this, limit](std::stop_token done) { wait(done, *limit); });
  }

  std::stop_token token() const { return source_.get_token(); }
  /// The limit was reached before this was destroyed.
  bool expired() const { return expired_; }

 private:
  void wait(const std::stop_token& done, Duration limit) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait_for(lock, done, limit, [] { return false; });
    if (done.stop_requested()) return;
    expired_ = true;
    source_.request_stop();
  }

  std::stop_source source_;
  std::atomic<bool> expired_{false};
  std::stop_callback<std::function<void()>> forward_;
  std::jthread thread_;  // last: uses everything above
};

}  // namespace imagebuild::executor
