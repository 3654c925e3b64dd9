// Text for terminals: widths counted in characters, nothing from a registry or a Dockerfile that
// could move the cursor, colour only where the caller's Style allows it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace imagebuild::plugin {

/// How to write to where the output goes. The default is a file: 80 columns, no colour.
struct Style {
  std::size_t width = 80;
  bool colour = false;
  bool unicode = true;  ///< the locale is UTF-8: bars of blocks, "…"
};

enum class Colour { Bold, Dim, Red, Green, Yellow, Cyan };
std::string paint(const Style& style, Colour colour, std::string_view text);

/// Characters of UTF-8 text; a byte that is no UTF-8 counts as one.
std::size_t columns(std::string_view text);
/// One line: white space runs become one blank, control characters and invalid UTF-8 become "?".
std::string one_line(std::string_view text);
/// The same for text of several lines, which keep their breaks and tabs.
std::string printable(std::string_view text);
/// one_line() of at most `width` characters, a cut marked at its end.
std::string clip(const Style& style, std::string_view text, std::size_t width);
/// The same, cut in front: for paths.
std::string clip_front(const Style& style, std::string_view text, std::size_t width);
std::string pad_right(std::string text, std::size_t width);
std::string pad_left(std::string text, std::size_t width);
/// Lines of at most `width` characters, each after `indent`; a word longer than that (a digest) is
/// broken.
std::string wrap(std::string_view text, std::size_t width, std::string_view indent);

/// "3 builds", "1 build".
std::string count_of(std::size_t count, std::string_view noun);

/// Rows under headings; a column is as wide as its widest cell, two blanks apart. The last column
/// is cut where the line would be longer than the style's width.
class Table {
 public:
  struct Column {
    std::string heading;
    bool right = false;
  };
  explicit Table(std::vector<Column> headings) : headings_(std::move(headings)) {}

  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string render(const Style& style) const;

 private:
  std::string line(const Style& style, const std::vector<std::string>& cells,
                   const std::vector<std::size_t>& widths) const;

  std::vector<Column> headings_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace imagebuild::plugin
