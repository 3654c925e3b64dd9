// A bar for work whose size is known, redrawn in place on a terminal and silent elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "plugin/session.h"

namespace imagebuild::plugin {

class ProgressBar {
 public:
  /// `console` outlives the bar.
  ProgressBar(const Console& console, std::string what, std::uint64_t total)
      : console_(console), what_(std::move(what)), total_(total) {}
  ~ProgressBar();  ///< clears the line

  void advance(std::uint64_t bytes);  ///< thread-safe

 private:
  void draw();

  const Console& console_;
  const std::string what_;
  const std::uint64_t total_;
  std::mutex mutex_;  // guards what follows
  std::uint64_t done_ = 0;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_{};
};

/// "downloading  ███░░░  12.0 MiB of 41.3 MiB". Pure.
std::string progress_line(const Style& style, const std::string& what, std::uint64_t done,
                          std::uint64_t total);

}  // namespace imagebuild::plugin
