// Cuts a byte stream into lines for people: control characters (but tab) are dropped, "\r" starts
// the line over as a terminal would, invalid UTF-8 is replaced, long lines are cut at 4 KiB.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace imagebuild::progress {

class LineSplitter {
 public:
  using Line = std::function<void(std::string_view)>;

  void push(std::string_view bytes, const Line& line);
  /// The rest, if a line without its newline is left.
  void flush(const Line& line);

 private:
  std::string pending_;
};

}  // namespace imagebuild::progress
