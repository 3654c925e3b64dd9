// Why a build has to stop before its end: a signal, or its time is up. Owns the stop source that
// the whole build listens to. SIGTERM and SIGINT must be blocked in every thread before
// (block_signals), so that only this one sees them.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

namespace imagebuild {

enum class StopReason { None, Signal, Timeout };

class Interrupt {
 public:
  /// Blocks SIGTERM and SIGINT in the calling thread and those it starts, and ignores SIGPIPE. Call
  /// first in main.
  static void block_signals();

  explicit Interrupt(std::optional<std::chrono::milliseconds> timeout);
  ~Interrupt() = default;  // the thread notices its stop token within a tenth of a second

  std::stop_token token() const { return source_.get_token(); }
  StopReason reason() const { return reason_; }

 private:
  void watch(const std::stop_token& done, std::optional<std::chrono::milliseconds> timeout);

  std::stop_source source_;
  std::atomic<StopReason> reason_{StopReason::None};
  std::jthread thread_;  // last: uses everything above
};

}  // namespace imagebuild
