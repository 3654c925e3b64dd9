// Small text functions of the Dockerfile parsers: UTF-8 characters, blanks as Go's
// unicode.IsSpace sees them, trimming, and the nearest known word for a mistyped one.
// Pure; internal to this module.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace imagebuild::dockerfile {

struct Rune {
  char32_t value = 0;
  std::size_t width = 0;  ///< bytes; 1 for a byte that is not UTF-8
};
/// The character at `position`, which must be inside the text.
Rune decode_rune(std::string_view text, std::size_t position);
void append_rune(std::string& text, char32_t value);

bool is_space(char32_t value);   ///< Unicode White_Space
bool is_digit(char32_t value);   ///< ASCII
bool is_letter(char32_t value);  ///< ASCII letters, and everything beyond Latin-1's symbols that is
                                 ///< no blank or punctuation
bool is_blank(char c);           ///< tab, VT, FF, CR, space: what separates arguments

std::string_view trim_left(std::string_view text);  ///< Unicode blanks
std::string_view trim_right(std::string_view text);
std::string_view trim(std::string_view text);
std::string lower(std::string_view text);  ///< ASCII
std::string upper(std::string_view text);

struct Cut {
  std::string_view before, after;
  bool found = false;
};
/// Splits at the first `separator`.
Cut cut(std::string_view text, char separator);

/// The option nearest to `word` (fewer than three edits),
/// or "" (also when `word` itself is an option).
std::string nearest(std::string_view word, const std::vector<std::string>& options);
/// " (did you mean X?)", or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& options,
                         std::string_view prefix = "");

/// The text in double quotes, control characters escaped,
/// long text cut after 80 bytes: for messages.
std::string in_quotes(std::string_view text);

}  // namespace imagebuild::dockerfile
