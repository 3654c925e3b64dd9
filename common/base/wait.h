// A pause that a stop request ends: the only way a thread of this project sleeps.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "common/base/clock.h"

namespace imagebuild {

/// Waits for `delay`; false as soon as a stop is requested (at once if it already was).
inline bool wait_for(Duration delay, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, delay, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace imagebuild
