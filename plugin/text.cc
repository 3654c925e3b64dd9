#include "plugin/text.h"

#include <algorithm>

namespace imagebuild::plugin {
namespace {

/// Bytes of the well-formed character at the front; 0 when there is none.
std::size_t character_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf5   ? 0
                             : first >= 0xf0 ? 4
                             : first >= 0xe0 ? 3
                             : first >= 0xc2 ? 2
                                             : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  return length;
}

/// C0, DEL, C1 (U+0080 to U+009F) and the marks that turn the direction of writing.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  const auto second = static_cast<unsigned char>(character[1]);
  if (character.size() == 2) return first == 0xc2 && second < 0xa0;
  if (character.size() != 3 || first != 0xe2) return false;
  const auto third = static_cast<unsigned char>(character[2]);
  return (second == 0x80 && (third == 0x8e || third == 0x8f || (third >= 0xaa && third <= 0xae))) ||
         (second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

/// Calls `take` with every character, "?" for what must not reach a terminal.
template <typename F>
void each_character(std::string_view text, F take) {
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    text.remove_prefix(character.size());
    const bool space = character == "\n" || character == "\t" || character == "\r";
    take(length == 0 || (!space && is_control(character)) ? std::string_view("?") : character);
  }
}

std::string prefix(std::string_view text, std::size_t width) {
  std::string result;
  each_character(text, [&](std::string_view character) {
    if (width == 0) return;
    result += character;
    --width;
  });
  return result;
}

}  // namespace

std::string paint(const Style& style, Colour colour, std::string_view text) {
  if (!style.colour || text.empty()) return std::string(text);
  const char* code = "1";
  switch (colour) {
    case Colour::Bold:
      break;
    case Colour::Dim:
      code = "2";
      break;
    case Colour::Red:
      code = "31";
      break;
    case Colour::Green:
      code = "32";
      break;
    case Colour::Yellow:
      code = "33";
      break;
    case Colour::Cyan:
      code = "36";
      break;
  }
  return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  each_character(text, [&](std::string_view) { ++count; });
  return count;
}

std::string one_line(std::string_view text) {
  std::string result;
  each_character(text, [&](std::string_view character) {
    const bool space =
        character == " " || character == "\n" || character == "\t" || character == "\r";
    if (!space)
      result += character;
    else if (!result.empty() && result.back() != ' ')
      result += ' ';
  });
  if (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

std::string printable(std::string_view text) {
  std::string result;
  each_character(text, [&](std::string_view character) {
    if (character != "\r") result += character;
  });
  return result;
}

std::string clip(const Style& style, std::string_view text, std::size_t width) {
  std::string line = one_line(text);
  if (columns(line) <= width) return line;
  const std::string mark = style.unicode ? "…" : "...";
  const std::size_t room = columns(mark);
  return width <= room ? prefix(line, width) : prefix(line, width - room) + mark;
}

std::string clip_front(const Style& style, std::string_view text, std::size_t width) {
  std::string line = one_line(text);
  std::size_t left = columns(line);
  if (left <= width) return line;
  const std::string mark = style.unicode ? "…" : "...";
  const std::size_t room = width > columns(mark) ? width - columns(mark) : 0;
  std::string_view rest = line;
  for (; left > room; --left) rest.remove_prefix(character_length(rest));
  return mark + std::string(rest);
}

std::string pad_right(std::string text, std::size_t width) {
  const std::size_t have = columns(text);
  if (have < width) text.append(width - have, ' ');
  return text;
}

std::string pad_left(std::string text, std::size_t width) {
  const std::size_t have = columns(text);
  return have < width ? std::string(width - have, ' ') + text : text;
}

std::string wrap(std::string_view text, std::size_t width, std::string_view indent) {
  const std::string all = one_line(text);
  std::string result, line;
  for (std::size_t start = 0; start < all.size();) {
    const std::size_t end = std::min(all.find(' ', start), all.size());
    std::string word = all.substr(start, end - start);
    if (!line.empty() && columns(indent) + columns(line) + 1 + columns(word) > width) {
      result += std::string(indent) + line + "\n";
      line.clear();
    }
    const std::size_t room = width > columns(indent) ? width - columns(indent) : 1;
    while (line.empty() && columns(word) > room) {
      const std::string part = prefix(word, room);
      result += std::string(indent) + part + "\n";
      word.erase(0, part.size());
    }
    line += (line.empty() ? "" : " ") + word;
    start = end + 1;
  }
  if (!line.empty()) result += std::string(indent) + line + "\n";
  return result;
}

std::string count_of(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string Table::line(const Style& style, const std::vector<std::string>& cells,
                        const std::vector<std::size_t>& widths) const {
  std::string result;
  std::size_t at = 0;
  for (std::size_t i = 0; i < headings_.size(); ++i) {
    const std::string cell = i < cells.size() ? one_line(cells[i]) : "";
    const std::string gap = i == 0 ? "" : "  ";
    const bool last = i + 1 == headings_.size();
    at += gap.size();
    if (last && !headings_[i].right)
      result += gap + clip(style, cell, style.width > at ? style.width - at : 1);
    else
      result += gap + (headings_[i].right ? pad_left(cell, widths[i]) : pad_right(cell, widths[i]));
    at += widths[i];
  }
  result.erase(result.find_last_not_of(' ') + 1);
  return result + "\n";
}

std::string Table::render(const Style& style) const {
  std::vector<std::size_t> widths;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < headings_.size(); ++i) {
    std::size_t width = columns(headings_[i].heading);
    for (const auto& row : rows_)
      if (i < row.size()) width = std::max(width, columns(one_line(row[i])));
    widths.push_back(width);
    names.push_back(headings_[i].heading);
  }
  std::string result = line(style, names, widths);
  for (const auto& row : rows_) result += line(style, row, widths);
  return result;
}

}  // namespace imagebuild::plugin
