// Go's filepath.Match, which Dockerfile wildcards are defined by.
#include <optional>

#include "builder/layer/copy.h"

namespace imagebuild {

namespace {

// Patterns are matched byte-wise except that `?` and classes take a
// whole UTF-8 character, as Go does.
std::size_t character_length(std::string_view text) {
  auto lead = static_cast<unsigned char>(text.front());
  std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  if (length > text.size()) return 1;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 1;
  return length;
}

/// One character of a class, `\` quotes; nullopt: malformed.
std::optional<std::string_view> class_character(std::string_view& pattern) {
  if (pattern.empty() || pattern.front() == '-' || pattern.front() == ']') return std::nullopt;
  if (pattern.front() == '\\') {
    pattern.remove_prefix(1);
    if (pattern.empty()) return std::nullopt;
  }
  std::string_view character = pattern.substr(0, character_length(pattern));
  pattern.remove_prefix(character.size());
  if (pattern.empty()) return std::nullopt;
  return character;
}

/// Consumes a class (after its '[') and says whether `character` is in it; nullopt: malformed.
/// UTF-8 sorts like code points.
std::optional<bool> match_class(std::string_view& pattern, std::string_view character) {
  const bool negated = pattern.starts_with('^');
  if (negated) pattern.remove_prefix(1);
  bool matched = false;
  for (bool any = false;; any = true) {
    if (any && pattern.starts_with(']')) {
      pattern.remove_prefix(1);
      return matched != negated;
    }
    auto low = class_character(pattern);
    if (!low) return std::nullopt;
    auto high = low;
    if (pattern.starts_with('-')) {
      pattern.remove_prefix(1);
      high = class_character(pattern);
      if (!high) return std::nullopt;
    }
    matched = matched || (*low <= character && character <= *high);
  }
}

enum class Outcome { Match, NoMatch, BadPattern };

/// Matches one element that is not `*` at the front of both; removes it from both.
Outcome match_one(std::string_view& pattern, std::string_view& text) {
  const bool has_text = !text.empty();
  std::string_view character =
      has_text ? text.substr(0, character_length(text)) : std::string_view();
  const bool slash = character == "/";
  if (pattern.front() == '[') {
    pattern.remove_prefix(1);
    auto in_class = match_class(pattern, character);
    if (!in_class) return Outcome::BadPattern;
    text.remove_prefix(character.size());
    return has_text && *in_class && !slash ? Outcome::Match : Outcome::NoMatch;
  }
  if (pattern.front() == '?') {
    pattern.remove_prefix(1);
    text.remove_prefix(character.size());
    return has_text && !slash ? Outcome::Match : Outcome::NoMatch;
  }
  if (pattern.front() == '\\') {
    pattern.remove_prefix(1);
    if (pattern.empty()) return Outcome::BadPattern;
  }
  const bool same = has_text && pattern.front() == text.front();
  pattern.remove_prefix(1);
  if (has_text) text.remove_prefix(1);
  return same ? Outcome::Match : Outcome::NoMatch;
}

Outcome check_syntax(std::string_view pattern) {
  while (!pattern.empty()) {
    if (pattern.front() == '*') {
      pattern.remove_prefix(1);
      continue;
    }
    std::string_view nothing;
    if (match_one(pattern, nothing) == Outcome::BadPattern) return Outcome::BadPattern;
  }
  return Outcome::Match;
}

/// Greedy with one point to go back to: linear in practice, quadratic at worst, never exponential.
bool matches(std::string_view pattern, std::string_view text) {
  std::optional<std::string_view> star_pattern;
  std::string_view star_text;
  for (;;) {
    if (!pattern.empty() && pattern.front() == '*') {
      pattern.remove_prefix(1);
      star_pattern = pattern;
      star_text = text;
      continue;
    }
    if (pattern.empty() && text.empty()) return true;
    if (!pattern.empty() && match_one(pattern, text) == Outcome::Match) continue;
    // The last star takes one character more, if that is not a slash.
    if (!star_pattern || star_text.empty() || star_text.front() == '/') return false;
    star_text.remove_prefix(1);
    pattern = *star_pattern;
    text = star_text;
  }
}

}  // namespace

Result<bool> match_path(std::string_view pattern, std::string_view path) {
  if (check_syntax(pattern) == Outcome::BadPattern)
    return fail(ErrorKind::InvalidInput, "pattern " + std::string(pattern) + ": syntax error");
  return matches(pattern, path);
}

}  // namespace imagebuild
