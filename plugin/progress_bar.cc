#include "plugin/progress_bar.h"

#include <algorithm>

#include "common/base/byte_size.h"

namespace imagebuild::plugin {

namespace {
constexpr std::uint64_t kCells = 24;
constexpr std::chrono::milliseconds kBetween{100};
}  // namespace

std::string progress_line(const Style& style, const std::string& what, std::uint64_t done,
                          std::uint64_t total) {
  const std::uint64_t shown = std::min(done, total);
  const auto cells = static_cast<std::uint64_t>(
      total == 0
          ? kCells
          : static_cast<double>(kCells) * static_cast<double>(shown) / static_cast<double>(total));
  std::string bar;
  for (std::uint64_t i = 0; i < kCells; ++i)
    bar += i < cells ? (style.unicode ? "█" : "#") : (style.unicode ? "░" : ".");
  return what + " " + bar + " " + format_bytes(shown) + " of " + format_bytes(total);
}

ProgressBar::~ProgressBar() {
  if (drawn_) console_.note("\r\033[K");
}

void ProgressBar::advance(std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  done_ += bytes;
  const auto now = std::chrono::steady_clock::now();
  if (!console_.progress || now < next_) return;
  next_ = now + kBetween;
  draw();
}

void ProgressBar::draw() {
  drawn_ = true;
  console_.note("\r" + progress_line(console_.style, what_, done_, total_) + "\033[K");
}

}  // namespace imagebuild::plugin
