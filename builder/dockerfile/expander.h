// The lexer behind expand() and behind finding heredocs in a line. Internal to this module;
// expand.h is the public face. One object per text; bounded: nesting of 100, results of 1 MiB.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "builder/dockerfile/expand.h"

namespace imagebuild::dockerfile {

struct LexOptions {
  char escape = '\\';
  bool keep_quotes = false;  ///< quotes are ordinary characters
  bool raw_quotes = false;   ///< quotes quote, and stay in the result
  bool raw_escapes = false;  ///< escapes escape, and stay in the result
  bool keep_unset = false;   ///< `$name` of an unset variable stays as it is
};

class Expander {
 public:
  Expander(std::string_view text, const VariableLookup& lookup, const LexOptions& options,
           VariableUse* use)
      : text_(text), lookup_(lookup), options_(options), use_(use) {}

  struct Output {
    std::string text;
    std::vector<std::string> words;
  };
  Result<Output> run();

 private:
  class Words;
  static constexpr int kEnd = -1;

  bool at_end() const { return position_ >= text_.size(); }
  int peek() const { return at_end() ? kEnd : static_cast<unsigned char>(text_[position_]); }
  Error error(std::string message) const;

  Result<Output> until(int stop, bool raw_escapes);
  Result<std::string> single_quotes();
  Result<std::string> double_quotes(bool raw_escapes);
  Result<std::string> dollar();
  Result<std::string> braces();
  Result<std::string> with_default(const std::string& name, char modifier, bool empty_is_unset);
  Result<std::string> replaced(const std::string& name);
  std::string heredoc_operator();
  std::string name();
  std::optional<std::string> value_of(const std::string& name);

  const std::string_view text_;
  const VariableLookup& lookup_;
  const LexOptions options_;
  VariableUse* const use_;
  std::size_t position_ = 0;
  int depth_ = 0;
};

}  // namespace imagebuild::dockerfile
