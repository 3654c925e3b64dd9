// Patterns: literals compare, the rest runs as an automaton over the path (no
// backtracking). See ignore_pattern.h.
#include "common/patterns/ignore_pattern.h"

#include <algorithm>

namespace imagebuild {

bool IgnorePattern::Token::takes(char c) const {
  switch (kind) {
    case Kind::Character:
      return c == character;
    case Kind::Any:
      return c != '/';
    case Kind::Star:
      return c != '/';
    case Kind::Directories:
    case Kind::Everything:
      return true;
    case Kind::Set:
      break;
  }
  auto byte = static_cast<unsigned char>(c);
  bool inside = std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
    return range.first <= byte && byte <= range.second;
  });
  return inside != negated;
}

Result<IgnorePattern::Token> IgnorePattern::parse_set(std::string_view text,
                                                      std::size_t& position) {
  auto unfinished = [] { return fail(ErrorKind::InvalidInput, "unfinished ["); };
  Token token{.kind = Token::Kind::Set};
  ++position;
  if (position < text.size() && text[position] == '^') {
    token.negated = true;
    ++position;
  }
  auto take = [&]() -> Result<unsigned char> {
    if (position < text.size() && text[position] == '\\')
      ++position;
    else if (position < text.size() && (text[position] == ']' || text[position] == '-'))
      return unfinished();
    if (position >= text.size()) return unfinished();
    return static_cast<unsigned char>(text[position++]);
  };
  do {
    unsigned char low = TRY(take());
    unsigned char high = low;
    if (position < text.size() && text[position] == '-') {
      ++position;
      high = TRY(take());
    }
    token.ranges.emplace_back(low, high);
    if (position >= text.size()) return unfinished();
  } while (text[position] != ']');
  ++position;
  return token;
}

Result<IgnorePattern> IgnorePattern::parse(std::string text) {
  IgnorePattern pattern;
  Kind kind = Kind::Exact;
  std::string literal;
  for (std::size_t i = 0; i < text.size();) {
    bool first = i == 0;
    char c = text[i];
    Token token{.kind = Token::Kind::Character, .character = c};
    if (c == '*' && text.substr(i, 2) == "**") {
      i += 2;
      if (i < text.size() && text[i] == '/') ++i;
      if (i == text.size()) {
        token.kind = Token::Kind::Everything;
        kind = kind == Kind::Exact ? Kind::Prefix : Kind::Tokens;
      } else {
        token.kind = Token::Kind::Directories;
        kind = Kind::Tokens;
      }
      // "**/name" is by far the most frequent pattern with stars: compared as a suffix.
      if (first) kind = Kind::Suffix;
    } else if (c == '*' || c == '?') {
      ++i;
      token.kind = c == '*' ? Token::Kind::Star : Token::Kind::Any;
      kind = Kind::Tokens;
    } else if (c == '[') {
      token = TRY(parse_set(text, i));
      kind = Kind::Tokens;
    } else if (c == '\\') {
      if (i + 1 >= text.size()) return fail(ErrorKind::InvalidInput, "nothing follows the last \\");
      token.character = text[i + 1];
      i += 2;
    } else {
      ++i;
    }
    bool plain = token.kind == Token::Kind::Character;
    if (plain && kind == Kind::Exact) pattern.literal_prefix_ += token.character;
    if (plain) literal += token.character;
    pattern.tokens_.push_back(std::move(token));
  }
  pattern.kind_ = kind;
  pattern.literal_ = std::move(literal);
  // "**/x": the slash was eaten with the stars; the suffix starts behind it.
  if (kind == Kind::Suffix && text.substr(0, 3) == "**/") pattern.literal_.insert(0, "/");
  return pattern;
}

bool IgnorePattern::matches(std::string_view path) const {
  switch (kind_) {
    case Kind::Exact:
      return path == literal_;
    case Kind::Prefix:
      return path.substr(0, literal_.size()) == literal_;
    case Kind::Suffix: {
      bool suffix =
          path.size() >= literal_.size() && path.substr(path.size() - literal_.size()) == literal_;
      return suffix || (!literal_.empty() && literal_[0] == '/' &&
                        path == std::string_view(literal_).substr(1));
    }
    case Kind::Tokens:
      break;
  }
  return run(path);
}

void IgnorePattern::enter(std::vector<char>& states, std::size_t state) const {
  for (;; ++state) {
    states[state] = 1;
    if (state == tokens_.size()) return;
    Token::Kind kind = tokens_[state].kind;
    if (kind != Token::Kind::Star && kind != Token::Kind::Directories &&
        kind != Token::Kind::Everything)
      return;
  }
}

bool IgnorePattern::run(std::string_view path) const {
  std::vector<char> current(tokens_.size() + 1), next(tokens_.size() + 1);
  enter(current, 0);
  for (char c : path) {
    std::fill(next.begin(), next.end(), 0);
    for (std::size_t state = 0; state < tokens_.size(); ++state) {
      const Token& token = tokens_[state];
      if (!current[state] || !token.takes(c)) continue;
      switch (token.kind) {
        case Token::Kind::Star:
        case Token::Kind::Everything:
          enter(next, state);
          break;
        case Token::Kind::Directories:
          // Whole directories: what follows may begin only behind a slash.
          next[state] = 1;
          if (c == '/') enter(next, state + 1);
          break;
        default:
          enter(next, state + 1);
      }
    }
    current.swap(next);
  }
  return current[tokens_.size()] != 0;
}

}  // namespace imagebuild
