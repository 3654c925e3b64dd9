// From bytes to the raw tree: physical lines, directives, comments, continuations,
// heredoc bodies. Each line is read once, so the time is that of the file's size. The
// arguments' own rules are in words.cc.
#include <optional>

#include "builder/dockerfile/dockerfile.h"
#include "builder/dockerfile/heredoc.h"
#include "builder/dockerfile/text.h"
#include "builder/dockerfile/words.h"

namespace imagebuild::dockerfile {

namespace {

/// Physical lines with their numbers; a line keeps its newline (heredoc bodies need it).
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> next() {
    if (rest_.empty()) return std::nullopt;
    std::size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end == std::string_view::npos ? end : end + 1);
    rest_.remove_prefix(line.size());
    ++number_;
    return line;
  }
  int number() const { return number_; }

 private:
  std::string_view rest_;
  int number_ = 0;
};

std::string_view without_newline(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

bool is_comment(std::string_view line) {
  line = trim_left(line);
  return !line.empty() && line.front() == '#';
}

/// The line without its continuation character, or nullopt when it ends here. An escaped escape
/// does not continue.
std::optional<std::string_view> continued(std::string_view line, char escape) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
  if (line.empty() || line.back() != escape) return std::nullopt;
  if (line.size() > 1 && line[line.size() - 2] == escape) return std::nullopt;
  return line.substr(0, line.size() - 1);
}

class SyntaxParser {
 public:
  SyntaxParser(std::string_view text, const std::string& name) : lines_(text), name_(name) {}

  Result<Syntax> run() {
    while (auto line = lines_.next()) {
      TRY(check_length(*line));
      std::string_view text = trim_left(without_newline(*line));
      if (!is_comment(text)) in_directives_ = false;
      if (is_comment(text)) {
        TRY(comment(text));
      } else if (text.empty()) {
        comments_.clear();
      } else {
        TRY(instruction(text));
      }
    }
    if (syntax_.nodes.empty()) return error(1, "the file holds no instruction (expected FROM)");
    return std::move(syntax_);
  }

 private:
  Error error(int line, const std::string& message) const {
    return fail(ErrorKind::InvalidInput, name_ + ":" + std::to_string(line) + ": " + message);
  }

  Result<void> check_length(std::string_view line) const {
    if (line.size() > kMaxLineBytes) return error(lines_.number(), "the line is longer than 1 MiB");
    return {};
  }

  Result<void> comment(std::string_view text) {
    std::string_view content = trim(text.substr(1));
    // A first line "#!/usr/bin/env …" is the kernel's; directives may follow.
    if (lines_.number() == 1 && text.substr(0, 2) == "#!") return {};
    if (in_directives_) {
      bool taken = TRY(directive(content));
      if (taken) return {};
      in_directives_ = false;
    }
    if (content.empty())
      comments_.clear();
    else
      comments_.emplace_back(content);
    return {};
  }

  /// `name = value` with a name we know; anything else ends the directives.
  Result<bool> directive(std::string_view content) {
    Cut pair = cut(content, '=');
    std::string key = lower(trim(pair.before));
    std::string value(trim(pair.after));
    if (!pair.found || value.empty()) return false;
    Directives& directives = syntax_.directives;
    bool* seen = key == "escape"   ? &seen_escape_
                 : key == "syntax" ? &seen_syntax_
                 : key == "check"  ? &seen_check_
                                   : nullptr;
    if (seen == nullptr) return false;
    if (*seen) return error(lines_.number(), "directive " + key + ": may be given only once");
    *seen = true;
    if (key == "escape") {
      if (value != "\\" && value != "`")
        return error(lines_.number(),
                     "directive escape: expected \\ or `, found " + in_quotes(value));
      directives.escape = value[0];
    } else if (key == "syntax") {
      directives.syntax = value;
      directives.syntax_line = lines_.number();
    } else {
      directives.check = value;
      directives.check_line = lines_.number();
    }
    return true;
  }

  Result<void> instruction(std::string_view first_line) {
    const int first = lines_.number();
    const char escape = syntax_.directives.escape;
    if (syntax_.nodes.size() >= kMaxInstructions)
      return error(first, "more than 10,000 instructions");
    std::string line;
    bool empty_line = false;
    std::string_view text = first_line;
    for (auto part = continued(text, escape); part; part = continued(text, escape)) {
      line += *part;
      // Comments and empty lines inside a continuation are skipped.
      bool more = false;
      while (auto next = lines_.next()) {
        TRY(check_length(*next));
        text = without_newline(*next);
        if (is_comment(text)) continue;
        if (trim_left(text).empty()) {
          empty_line = true;
          continue;
        }
        more = true;
        break;
      }
      if (!more) {
        text = {};
        break;
      }
    }
    line += text;
    if (empty_line) syntax_.empty_continuations.push_back({lines_.number()});
    if (trim(line).empty()) return {};
    auto parsed = parse_line(line, escape);
    if (!parsed) return error(first, std::move(parsed).error().message);
    Node& node = *parsed;
    TRY(bodies(line, first, node));
    node.comments = std::move(comments_);
    comments_.clear();
    node.lines = {first, lines_.number()};
    for (Node& child : node.children) child.lines = node.lines;
    syntax_.nodes.push_back(std::move(node));
    return {};
  }

  /// Reads the heredoc bodies that the line announces.
  Result<void> bodies(std::string_view line, int first, Node& node) {
    const Node& carrier =
        node.command == "onbuild" && !node.children.empty() ? node.children.front() : node;
    bool may = carrier.command == "run" || carrier.command == "copy" || carrier.command == "add";
    if (!may || carrier.json) return {};
    auto announced = heredocs_of(line);
    if (!announced) return error(first, upper(node.command) + ": " + announced.error().message);
    for (Heredoc& heredoc : *announced) {
      bool ended = false;
      while (auto next = lines_.next()) {
        TRY(check_length(*next));
        std::string_view candidate = without_newline(*next);
        while (heredoc.chomp && !candidate.empty() && candidate.front() == '\t')
          candidate.remove_prefix(1);
        if (candidate == heredoc.name) {
          ended = true;
          break;
        }
        heredoc.content += *next;
      }
      if (!ended) {
        return error(first, upper(node.command) + ": heredoc <<" + heredoc.name +
                                " has no end (expected a line " + in_quotes(heredoc.name) + ")");
      }
      node.heredocs.push_back(std::move(heredoc));
    }
    return {};
  }

  Lines lines_;
  const std::string& name_;
  Syntax syntax_;
  std::vector<std::string> comments_;
  bool in_directives_ = true;
  bool seen_escape_ = false, seen_syntax_ = false, seen_check_ = false;
};

}  // namespace

Result<Syntax> parse_syntax(std::string_view text, const std::string& name) {
  if (text.size() > kMaxFileBytes)
    return fail(ErrorKind::InvalidInput, name + ": the file is larger than 10 MiB");
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  return SyntaxParser(text, name).run();
}

}  // namespace imagebuild::dockerfile
