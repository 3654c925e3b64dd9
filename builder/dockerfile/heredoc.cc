// Heredoc words: see heredoc.h.
#include "builder/dockerfile/heredoc.h"

#include <algorithm>

#include "builder/dockerfile/expander.h"
#include "builder/dockerfile/text.h"

namespace imagebuild::dockerfile {

namespace {

constexpr std::size_t kMaxHeredocs = 1000;

std::size_t quotes_in(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '"') +
                                  std::count(text.begin(), text.end(), '\''));
}

Result<std::vector<std::string>> lex(std::string_view text, const LexOptions& options) {
  VariableLookup none;
  return TRY(Expander(text, none, options, nullptr).run()).words;
}

}  // namespace

std::optional<Heredoc> parse_heredoc(std::string_view word) {
  Heredoc heredoc;
  std::size_t i = 0;
  while (i < word.size() && is_digit(word[i])) ++i;
  if (word.substr(i, 2) != "<<" || i > 6) return std::nullopt;
  for (char digit : word.substr(0, i)) heredoc.fd = heredoc.fd * 10 + (digit - '0');
  i += 2;
  if (i < word.size() && word[i] == '-') {
    heredoc.chomp = true;
    ++i;
  }
  std::string_view delimiter = trim_left(word.substr(i));
  if (delimiter.empty() || delimiter.find('<') != std::string_view::npos) return std::nullopt;
  // The delimiter with its quotes off, and whether there were any: quotes switch expansion off.
  auto plain = lex(delimiter, {.keep_unset = true});
  auto raw = lex(delimiter, {.raw_quotes = true, .keep_unset = true});
  if (!plain || !raw || plain->size() != 1 || raw->size() != 1) return std::nullopt;
  heredoc.name = plain->front();
  heredoc.expand = quotes_in(plain->front()) == quotes_in(raw->front());
  return heredoc;
}

Result<std::vector<Heredoc>> heredocs_of(std::string_view line) {
  std::vector<Heredoc> found;
  if (line.find("<<") == std::string_view::npos) return found;
  // A line whose quotes do not balance has no heredocs; the shell will say what is wrong with it.
  auto words = lex(line, {.raw_quotes = true, .raw_escapes = true, .keep_unset = true});
  if (!words) return found;
  for (const std::string& word : *words) {
    if (auto heredoc = parse_heredoc(word)) found.push_back(std::move(*heredoc));
    if (found.size() > kMaxHeredocs)
      return fail(ErrorKind::InvalidInput, "more than 1,000 heredocs in one instruction");
  }
  return found;
}

}  // namespace imagebuild::dockerfile
