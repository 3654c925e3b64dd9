// One pattern of a list as a matcher. Pure; internal to this module.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace imagebuild {

class IgnorePattern {
 public:
  /// `text` is cleaned (no "./", no trailing "/"). InvalidInput: an unfinished "[" or "\".
  static Result<IgnorePattern> parse(std::string text);

  bool matches(std::string_view path) const;
  /// What every match starts with.
  const std::string& literal_prefix() const { return literal_prefix_; }
  /// The pattern is that literal and nothing else.
  bool literal() const { return kind_ == Kind::Exact; }

 private:
  enum class Kind { Exact, Prefix, Suffix, Tokens };
  struct Token {
    enum class Kind { Character, Any, Star, Directories, Everything, Set } kind = Kind::Character;
    char character = '\0';
    bool negated = false;
    std::vector<std::pair<unsigned char, unsigned char>> ranges;  ///< Set
    bool takes(char c) const;
  };

  static Result<Token> parse_set(std::string_view text, std::size_t& position);
  bool run(std::string_view path) const;
  /// Marks a state and those reachable from it without a character.
  void enter(std::vector<char>& states, std::size_t state) const;

  Kind kind_ = Kind::Exact;
  std::string literal_;  // Exact: all of it; Prefix, Suffix: that part
  std::string literal_prefix_;
  std::vector<Token> tokens_;  // Tokens
};

}  // namespace imagebuild
