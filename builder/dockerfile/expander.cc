// Recursive descent over the word; every function leaves the position behind
// what it consumed. See expander.h.
#include "builder/dockerfile/expander.h"

#include "builder/dockerfile/pattern.h"
#include "builder/dockerfile/text.h"
#include "common/base/scope_exit.h"

namespace imagebuild::dockerfile {

namespace {

constexpr int kMaxDepth = 100;
// A value may be used to build a larger one, line after line: without a bound,
// forty lines fill any memory.
constexpr std::size_t kMaxResult = 1u << 20;
constexpr std::string_view kSpecialParameters = "@*#?-$!0";

/// Text of the file as a part of a one-line message: no control characters, at most 200 bytes.
std::string in_message(std::string_view text) {
  std::string out;
  for (std::size_t position = 0; position < text.size() && out.size() < 200;) {
    Rune rune = decode_rune(text, position);
    append_rune(out, rune.value < 0x20 || rune.value == 0x7f ? U' ' : rune.value);
    position += rune.width;
  }
  return out;
}

}  // namespace

/// Collects words while text arrives: blanks end a word unless they come from quotes or escapes.
class Expander::Words {
 public:
  /// Quoted or escaped text: its blanks do not split. An empty one alone makes no word.
  void literal(std::string_view text) {
    current_ += text;
    if (!text.empty()) in_word_ = true;
  }
  void split(std::string_view text) {
    for (std::size_t position = 0; position < text.size();) {
      Rune rune = decode_rune(text, position);
      if (is_space(rune.value))
        flush();
      else
        literal(text.substr(position, rune.width));
      position += rune.width;
    }
  }
  std::vector<std::string> finish() {
    flush();
    return std::move(words_);
  }

 private:
  void flush() {
    if (in_word_) words_.push_back(std::move(current_));
    current_.clear();
    in_word_ = false;
  }
  std::vector<std::string> words_;
  std::string current_;
  bool in_word_ = false;
};

Error Expander::error(std::string message) const {
  std::size_t character = 1;
  for (std::size_t position = 0; position < position_ && position < text_.size(); ++character) {
    position += decode_rune(text_, position).width;
  }
  return fail(ErrorKind::InvalidInput, "expand " + in_quotes(text_) + " at character " +
                                           std::to_string(character) + ": " + message);
}

Result<Expander::Output> Expander::run() { return until(kEnd, options_.raw_escapes); }

Result<Expander::Output> Expander::until(int stop, bool raw_escapes) {
  if (++depth_ > kMaxDepth) return error("substitutions nested deeper than 100");
  ScopeExit leave([this] { --depth_; });
  Output output;
  Words words;
  while (!at_end()) {
    if (output.text.size() > kMaxResult) return error("the result is larger than 1 MiB");
    int c = peek();
    if (c == stop) {
      ++position_;
      output.words = words.finish();
      return output;
    }
    if (c == '$') {
      std::string value = TRY(dollar());
      output.text += value;
      words.split(value);
    } else if (c == '<') {
      std::string text = heredoc_operator();
      output.text += text;
      words.literal(text);
    } else if ((c == '\'' || c == '"') && !options_.keep_quotes) {
      std::string text = TRY(c == '"' ? double_quotes(raw_escapes) : single_quotes());
      output.text += text;
      words.literal(text);
    } else if (c == static_cast<unsigned char>(options_.escape)) {
      std::string text;
      if (raw_escapes) text += options_.escape;
      ++position_;
      if (!at_end()) {
        std::size_t width = decode_rune(text_, position_).width;
        text += text_.substr(position_, width);
        position_ += width;
      }
      output.text += text;
      words.literal(text);
    } else {
      std::string_view text = text_.substr(position_, decode_rune(text_, position_).width);
      output.text += text;
      words.split(text);
      position_ += text.size();
    }
  }
  if (stop != kEnd) return error(std::string("missing '") + static_cast<char>(stop) + "'");
  if (output.text.size() > kMaxResult) return error("the result is larger than 1 MiB");
  output.words = words.finish();
  return output;
}

Result<std::string> Expander::single_quotes() {
  std::size_t end = text_.find('\'', position_ + 1);
  if (end == std::string_view::npos) return error("missing closing '");
  std::string_view inside = text_.substr(position_ + 1, end - position_ - 1);
  position_ = end + 1;
  return options_.raw_quotes ? "'" + std::string(inside) + "'" : std::string(inside);
}

Result<std::string> Expander::double_quotes(bool raw_escapes) {
  const std::size_t start = position_;
  std::string out = options_.raw_quotes ? "\"" : "";
  for (++position_; !at_end();) {
    if (out.size() > kMaxResult) return error("the result is larger than 1 MiB");
    char c = text_[position_];
    if (c == '"') {
      ++position_;
      if (options_.raw_quotes) out += c;
      return out;
    }
    if (c == '$') {
      out += TRY(dollar());
      continue;
    }
    ++position_;
    if (c == options_.escape) {
      if (raw_escapes) out += c;
      if (at_end()) break;
      // Only these lose their escape; any other keeps it.
      char next = text_[position_];
      if (next == '"' || next == '$' || next == options_.escape) {
        c = next;
        ++position_;
      }
    }
    out += c;
  }
  position_ = start;
  return error("missing closing \"");
}

Result<std::string> Expander::dollar() {
  ++position_;
  if (peek() == '{') return braces();
  std::string variable = name();
  if (variable.empty()) return std::string("$");
  std::optional<std::string> value = value_of(variable);
  if (!value && options_.keep_unset) return "$" + variable;
  return value.value_or("");
}

Result<std::string> Expander::braces() {
  ++position_;
  if (at_end()) return error("missing '}'");
  if (peek() == '{' || peek() == '}' || peek() == ':')
    return error("expected a variable's name after ${");
  const std::size_t start = position_;
  std::string variable = name();
  if (at_end()) return error("missing '}'");
  char modifier = text_[position_++];
  if (modifier == '}') {
    if (variable.empty()) return error("expected a variable's name after ${");
    std::optional<std::string> value = value_of(variable);
    if (!value && options_.keep_unset) return "${" + variable + "}";
    return value.value_or("");
  }
  if (modifier == '/') return replaced(variable);
  bool empty_is_unset = modifier == ':';
  if (empty_is_unset) {
    if (at_end()) return error("missing '}'");
    modifier = text_[position_++];
  }
  std::string_view allowed = empty_is_unset ? "+-?" : "+-?#%";
  if (variable.empty() || allowed.find(modifier) == std::string_view::npos) {
    --position_;
    return error(
        "unknown modifier " +
        in_quotes(text_.substr(start + variable.size(), position_ + 1 - start - variable.size())) +
        " (expected :-, -, :+, +, :?, ?, #, ##, %, %% or /)");
  }
  return with_default(variable, modifier, empty_is_unset);
}

Result<std::string> Expander::with_default(const std::string& variable, char modifier,
                                           bool empty_is_unset) {
  bool strips = modifier == '#' || modifier == '%';
  std::string word = TRY(until('}', strips)).text;
  std::optional<std::string> value = value_of(variable);
  if (!value && options_.keep_unset) {
    return "${" + variable + (empty_is_unset ? ":" : "") + modifier + word + "}";
  }
  bool present = value && !(empty_is_unset && value->empty());
  switch (modifier) {
    case '-':
      return present ? *value : word;
    case '+':
      return present ? word : std::string();
    case '?':
      if (present) return *value;
      if (word.empty()) word = value ? "is not allowed to be empty" : "is not allowed to be unset";
      return error(in_message(variable) + ": " + in_message(word));
    default:
      break;
  }
  bool longest = !word.empty() && word[0] == modifier;
  auto pattern = ShellPattern::parse(std::string_view(word).substr(longest ? 1 : 0));
  if (!pattern) return error(std::move(pattern).error().message);
  return modifier == '#' ? pattern->remove_prefix(value.value_or(""), longest)
                         : pattern->remove_suffix(value.value_or(""), longest);
}

Result<std::string> Expander::replaced(const std::string& variable) {
  if (variable.empty()) return error("expected a variable's name after ${");
  bool all = peek() == '/';
  if (all) ++position_;
  std::string pattern_text = TRY(until('/', true)).text;
  std::string replacement = TRY(until('}', true)).text;
  std::optional<std::string> value = value_of(variable);
  if (!value && options_.keep_unset)
    return "${" + variable + "/" + pattern_text + "/" + replacement + "}";
  auto pattern = ShellPattern::parse(pattern_text);
  if (!pattern) return error(std::move(pattern).error().message);
  return value ? pattern->replace(*value, replacement, all, kMaxResult) : std::string();
}

std::string Expander::heredoc_operator() {
  ++position_;
  if (peek() != '<') return "<";
  ++position_;
  // "<< NAME": the blank does not end the word.
  std::string out = "<<";
  while (peek() == ' ' || peek() == '\t' || peek() == '\r') out += text_[position_++];
  return out;
}

std::string Expander::name() {
  const std::size_t start = position_;
  if (at_end()) return {};
  if (is_digit(text_[position_])) {
    while (!at_end() && is_digit(text_[position_])) ++position_;
    return std::string(text_.substr(start, position_ - start));
  }
  if (kSpecialParameters.find(text_[position_]) != std::string_view::npos)
    return std::string(1, text_[position_++]);
  while (!at_end()) {
    Rune rune = decode_rune(text_, position_);
    if (!is_letter(rune.value) && !is_digit(rune.value) && rune.value != '_') break;
    position_ += rune.width;
  }
  return std::string(text_.substr(start, position_ - start));
}

std::optional<std::string> Expander::value_of(const std::string& variable) {
  std::optional<std::string> value = lookup_ ? lookup_(variable) : std::nullopt;
  if (use_ != nullptr) {
    use_->used.insert(variable);
    if (!value) use_->unset.insert(variable);
  }
  return value;
}

}  // namespace imagebuild::dockerfile
