// Characters, blanks, trimming, suggestions: see text.h.
#include "builder/dockerfile/text.h"

#include <algorithm>
#include <cstdio>

namespace imagebuild::dockerfile {

namespace {

bool is_continuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

/// Edits from one word to the other; two neighbours swapped are one. Words are short (names of
/// flags and instructions).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      cost[i][j] = std::min({cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1),
                             cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

Rune decode_rune(std::string_view text, std::size_t position) {
  auto byte = [&](std::size_t offset) -> unsigned char {
    return position + offset < text.size() ? static_cast<unsigned char>(text[position + offset])
                                           : 0;
  };
  unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  std::size_t width = first >= 0xf0 && first < 0xf8   ? 4
                      : first >= 0xe0 && first < 0xf0 ? 3
                      : first >= 0xc2 && first < 0xe0 ? 2
                                                      : 1;
  if (width == 1) return {0xfffd, 1};
  char32_t value = first & (0xff >> (width + 1));
  for (std::size_t i = 1; i < width; ++i) {
    if (!is_continuation(byte(i))) return {0xfffd, 1};
    value = (value << 6) | (byte(i) & 0x3f);
  }
  return {value, width};
}

void append_rune(std::string& text, char32_t value) {
  if (value < 0x80) {
    text += static_cast<char>(value);
  } else if (value < 0x800) {
    text += static_cast<char>(0xc0 | (value >> 6));
    text += static_cast<char>(0x80 | (value & 0x3f));
  } else if (value < 0x10000) {
    text += static_cast<char>(0xe0 | (value >> 12));
    text += static_cast<char>(0x80 | ((value >> 6) & 0x3f));
    text += static_cast<char>(0x80 | (value & 0x3f));
  } else {
    text += static_cast<char>(0xf0 | (value >> 18));
    text += static_cast<char>(0x80 | ((value >> 12) & 0x3f));
    text += static_cast<char>(0x80 | ((value >> 6) & 0x3f));
    text += static_cast<char>(0x80 | (value & 0x3f));
  }
}

bool is_space(char32_t value) {
  if (value < 0x80) return value == ' ' || (value >= '\t' && value <= '\r');
  return value == 0x85 || value == 0xa0 || value == 0x1680 ||
         (value >= 0x2000 && value <= 0x200a) || value == 0x2028 || value == 0x2029 ||
         value == 0x202f || value == 0x205f || value == 0x3000;
}

bool is_digit(char32_t value) { return value >= '0' && value <= '9'; }

bool is_letter(char32_t value) {
  if (value < 0x80) return (value >= 'a' && value <= 'z') || (value >= 'A' && value <= 'Z');
  if (is_space(value) || value == 0xfffd) return false;
  if (value < 0xc0) return value == 0xaa || value == 0xb5 || value == 0xba;
  if (value == 0xd7 || value == 0xf7) return false;
  bool punctuation = (value >= 0x2000 && value <= 0x2bff) || (value >= 0x3000 && value <= 0x3004) ||
                     (value >= 0x3008 && value <= 0x3020) || (value >= 0xe000 && value <= 0xf8ff) ||
                     (value >= 0xff00 && value <= 0xff20) || value >= 0x1f000;
  return !punctuation || (value >= 0x20000 && value <= 0x3ffff);
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r'; }

std::string_view trim_left(std::string_view text) {
  while (!text.empty()) {
    Rune rune = decode_rune(text, 0);
    if (!is_space(rune.value)) break;
    text.remove_prefix(rune.width);
  }
  return text;
}

std::string_view trim_right(std::string_view text) {
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 4 &&
           is_continuation(static_cast<unsigned char>(text[start])))
      --start;
    Rune rune = decode_rune(text, start);
    if (start + rune.width != text.size() || !is_space(rune.value)) break;
    text.remove_suffix(rune.width);
  }
  return text;
}

std::string_view trim(std::string_view text) { return trim_right(trim_left(text)); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

Cut cut(std::string_view text, char separator) {
  std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}, false};
  return {text.substr(0, at), text.substr(at + 1), true};
}

std::string nearest(std::string_view word, const std::vector<std::string>& options) {
  constexpr std::size_t kLongest = 64;
  std::string found;
  std::size_t best = 3;
  if (word.size() > kLongest) return found;
  for (const std::string& option : options) {
    if (option == word) return {};
    if (option.size() > kLongest) continue;
    std::size_t distance = edit_distance(word, option);
    if (distance < best) {
      best = distance;
      found = option;
    }
  }
  return found;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& options,
                         std::string_view prefix) {
  std::string found = nearest(word, options);
  if (found.empty()) return {};
  return " (did you mean " + std::string(prefix) + found + "?)";
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShown = 80;
  std::string out = "\"";
  for (char c : text.substr(0, kShown)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escaped;
    } else {
      out += c;
    }
  }
  while (text.size() > kShown && !out.empty() &&
         is_continuation(static_cast<unsigned char>(out.back())))
    out.pop_back();
  if (text.size() > kShown && static_cast<unsigned char>(out.back()) >= 0xc0) out.pop_back();
  return out + (text.size() > kShown ? "…\"" : "\"");
}

}  // namespace imagebuild::dockerfile
