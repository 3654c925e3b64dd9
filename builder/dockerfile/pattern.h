// The wildcard patterns of ${v#p}, ${v%p} and ${v/p/r}: `*`, `?`, and `\` before `*`, `?`, `\`, `}`
// and `/`. Matching runs an automaton over the value, so no pattern makes it slow: the work is
// value × pattern / 64. Pure; internal.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace imagebuild::dockerfile {

class ShellPattern {
 public:
  /// InvalidInput: an escape that means nothing, or a pattern of more than 4,096 characters.
  static Result<ShellPattern> parse(std::string_view text);

  /// `value` without the shortest (or longest) match at its start; unchanged when there is none.
  std::string remove_prefix(std::string_view value, bool longest) const;
  std::string remove_suffix(std::string_view value, bool longest) const;
  /// The first match (or every match), always the longest, replaced; it stops replacing once the
  /// result exceeds `limit`.
  std::string replace(std::string_view value, std::string_view replacement, bool all,
                      std::size_t limit) const;

 private:
  struct Token {
    enum class Kind { Character, Any, Star } kind;
    char32_t character;
  };
  using Runes = std::u32string;

  class Automaton;
  static Runes decode(std::string_view value);

  std::vector<Token> tokens_;
};

}  // namespace imagebuild::dockerfile
