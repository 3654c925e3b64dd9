// Word expansion. The first byte chooses the escape and the quoting, the rest is the word.
#include "builder/dockerfile/expand.h"
#include "tests/fuzz/fuzz_target.h"

using namespace imagebuild;
using namespace imagebuild::fuzz;

namespace {

/// Some names have values, among them ones with pattern characters and blanks.
std::optional<std::string> find(std::string_view name) {
  if (name.empty() || name.front() == 'u') return std::nullopt;
  if (name == "e") return "";
  if (name == "p") return "/a/*b?/c.tar.gz";
  if (name == "w") return " one  two ";
  return std::string(name) + "_value";
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  dockerfile::ExpandOptions options{.escape = (data[0] & 1) != 0 ? '`' : '\\',
                                    .keep_quotes = (data[0] & 2) != 0};
  std::string_view word = text_of(data + 1, size - 1);
  dockerfile::VariableUse use;
  auto text = dockerfile::expand(word, find, options, &use);
  auto words = dockerfile::expand_words(word, find, options);
  promise(text.ok() == words.ok(), "both ways to expand fail alike");
  for (const auto& name : use.unset) promise(use.used.count(name) != 0, "what is unset was used");
  if (!text) {
    promise(text.error().kind == ErrorKind::InvalidInput, "a bad word is bad input");
    promise(text.error().message.find('\n') == std::string::npos, "an error is one line");
    return 0;
  }
  std::size_t letters = 0;
  for (const auto& one : *words) {
    promise(!one.empty(), "no word is empty");
    letters += one.size();
  }
  promise(letters <= text->size(), "words hold no more than the text");
  bool plain = word.find_first_of("$\\`'\"") == std::string_view::npos;
  promise(!plain || *text == word, "a word without special characters stays as it is");
  return 0;
}
