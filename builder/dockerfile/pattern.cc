// Wildcard matching by simulating the pattern's states as bits: see pattern.h.
#include "builder/dockerfile/pattern.h"

#include <algorithm>
#include <cstdint>

#include "builder/dockerfile/text.h"

namespace imagebuild::dockerfile {

namespace {

constexpr std::size_t kMaxTokens = 4096;

std::string encode(std::u32string_view runes) {
  std::string out;
  for (char32_t rune : runes) {
    // A byte that was no UTF-8 travels as itself above the Unicode range.
    if (rune >= 0x110000)
      out += static_cast<char>(rune - 0x110000);
    else
      append_rune(out, rune);
  }
  return out;
}

}  // namespace

/// State i: the first i tokens have matched. Bit sets, one word for 64 states.
class ShellPattern::Automaton {
 public:
  Automaton(const std::vector<Token>& tokens, bool reversed)
      : size_(tokens.size()), words_(size_ / 64 + 1) {
    tokens_ = tokens;
    if (reversed) std::reverse(tokens_.begin(), tokens_.end());
    reset();
  }

  void reset() {
    current_.assign(words_, 0);
    add(current_, 0);
  }
  /// Lets a match begin here, too.
  void restart() { add(current_, 0); }
  bool accepting() const { return (current_[size_ / 64] >> (size_ % 64)) & 1; }
  bool alive() const {
    return std::any_of(current_.begin(), current_.end(),
                       [](std::uint64_t word) { return word != 0; });
  }

  void step(char32_t rune) {
    std::vector<std::uint64_t> next(words_, 0);
    for (std::size_t word = 0; word < words_; ++word) {
      for (std::uint64_t bits = current_[word]; bits != 0; bits &= bits - 1) {
        std::size_t state = word * 64 + static_cast<std::size_t>(__builtin_ctzll(bits));
        if (state == size_) continue;
        const Token& token = tokens_[state];
        if (token.kind == Token::Kind::Star)
          add(next, state);
        else if (token.kind == Token::Kind::Any || token.character == rune)
          add(next, state + 1);
      }
    }
    current_.swap(next);
  }

 private:
  /// Enters a state and those reachable without a character: a star may match nothing.
  void add(std::vector<std::uint64_t>& set, std::size_t state) const {
    for (;; ++state) {
      set[state / 64] |= std::uint64_t{1} << (state % 64);
      if (state == size_ || tokens_[state].kind != Token::Kind::Star) return;
    }
  }

  std::size_t size_, words_;
  std::vector<Token> tokens_;
  std::vector<std::uint64_t> current_;
};

Result<ShellPattern> ShellPattern::parse(std::string_view text) {
  ShellPattern pattern;
  for (std::size_t position = 0; position < text.size();) {
    Rune rune = decode_rune(text, position);
    position += rune.width;
    Token token{Token::Kind::Character, rune.value};
    if (rune.value == '*') {
      token.kind = Token::Kind::Star;
    } else if (rune.value == '?') {
      token.kind = Token::Kind::Any;
    } else if (rune.value == '\\') {
      char next = position < text.size() ? text[position] : '\0';
      if (next == '\0' || std::string_view("*?\\}/").find(next) == std::string_view::npos) {
        return fail(ErrorKind::InvalidInput,
                    "pattern " + in_quotes(text) + ": \\ must stand before *, ?, \\, } or /");
      }
      token.character = static_cast<char32_t>(next);
      ++position;
    }
    // Two stars in a row are one.
    if (token.kind == Token::Kind::Star && !pattern.tokens_.empty() &&
        pattern.tokens_.back().kind == Token::Kind::Star)
      continue;
    pattern.tokens_.push_back(token);
  }
  if (pattern.tokens_.size() > kMaxTokens) {
    return fail(ErrorKind::InvalidInput,
                "pattern " + in_quotes(text) + ": longer than 4096 characters");
  }
  return pattern;
}

ShellPattern::Runes ShellPattern::decode(std::string_view value) {
  Runes runes;
  runes.reserve(value.size());
  for (std::size_t position = 0; position < value.size();) {
    Rune rune = decode_rune(value, position);
    bool broken = rune.value == 0xfffd && rune.width == 1;
    runes += broken ? 0x110000 + static_cast<unsigned char>(value[position]) : rune.value;
    position += rune.width;
  }
  return runes;
}

std::string ShellPattern::remove_prefix(std::string_view value, bool longest) const {
  Runes runes = decode(value);
  Automaton automaton(tokens_, false);
  std::size_t matched = 0;
  for (std::size_t i = 0;; ++i) {
    if (automaton.accepting()) {
      matched = i;
      if (!longest) break;
    }
    if (i == runes.size() || !automaton.alive()) break;
    automaton.step(runes[i]);
  }
  return encode(std::u32string_view(runes).substr(matched));
}

std::string ShellPattern::remove_suffix(std::string_view value, bool longest) const {
  Runes runes = decode(value);
  Automaton automaton(tokens_, true);
  std::size_t matched = 0;
  for (std::size_t i = 0;; ++i) {
    if (automaton.accepting()) {
      matched = i;
      if (!longest) break;
    }
    if (i == runes.size() || !automaton.alive()) break;
    automaton.step(runes[runes.size() - 1 - i]);
  }
  return encode(std::u32string_view(runes).substr(0, runes.size() - matched));
}

std::string ShellPattern::replace(std::string_view value, std::string_view replacement, bool all,
                                  std::size_t limit) const {
  Runes runes = decode(value);
  // One pass from the end marks where matches begin; then each match is run to its longest end. A
  // pattern with a star takes everything up to the last possible end, so later starts are few and
  // the whole stays linear.
  std::vector<bool> begins(runes.size() + 1);
  Automaton backwards(tokens_, true);
  begins[runes.size()] = backwards.accepting();
  for (std::size_t i = runes.size(); i-- > 0;) {
    backwards.step(runes[i]);
    backwards.restart();
    begins[i] = backwards.accepting();
  }
  auto longest_end = [&](std::size_t start) {
    std::optional<std::size_t> end;
    if (!begins[start]) return end;
    Automaton forwards(tokens_, false);
    for (std::size_t i = start;; ++i) {
      if (forwards.accepting()) end = i;
      if (i == runes.size() || !forwards.alive()) return end;
      forwards.step(runes[i]);
    }
  };
  std::string out;
  std::size_t copied = 0;
  std::optional<std::size_t> previous_end;
  for (std::size_t i = 0; i <= runes.size() && out.size() <= limit;) {
    std::optional<std::size_t> end = longest_end(i);
    // An empty match right behind a match does not count.
    if (!end || (*end == i && end == previous_end)) {
      ++i;
      continue;
    }
    out += encode(std::u32string_view(runes).substr(copied, i - copied));
    out += replacement;
    copied = *end;
    previous_end = end;
    if (!all) break;
    i = std::max(*end, i + 1);
  }
  return out + encode(std::u32string_view(runes).substr(copied));
}

}  // namespace imagebuild::dockerfile
