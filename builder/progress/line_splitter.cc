#include "builder/progress/line_splitter.h"

namespace imagebuild::progress {
namespace {

constexpr std::size_t kLongestLine = 4096;

// Drops ESC sequences (colours, cursor movement) and other control characters.
std::string printable(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(line[i]);
    if (c == 0x1b && i + 1 < line.size() && line[i + 1] == '[') {
      i += 2;
      while (i < line.size() && !(line[i] >= '@' && line[i] <= '~')) ++i;
      continue;
    }
    if (c >= 0x20 ? c != 0x7f : c == '\t') out += line[i];
  }
  return out;
}

}  // namespace

void LineSplitter::push(std::string_view bytes, const Line& line) {
  for (char c : bytes) {
    if (c == '\n') {
      flush(line);
      continue;
    }
    pending_ += c;
    if (pending_.size() >= kLongestLine) flush(line);
  }
}

void LineSplitter::flush(const Line& line) {
  if (pending_.empty()) return;
  std::string_view text = pending_;
  while (text.ends_with('\r')) text.remove_suffix(1);
  if (auto start = text.rfind('\r'); start != std::string_view::npos) text.remove_prefix(start + 1);
  line(printable(text));
  pending_.clear();
}

}  // namespace imagebuild::progress
