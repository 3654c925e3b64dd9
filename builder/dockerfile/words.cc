// The argument rules of the Dockerfile's instructions, one function each, and the table that says
// whose they are.
#include "builder/dockerfile/words.h"

#include <map>
#include <optional>

#include "builder/dockerfile/text.h"
#include "common/base/json.h"

namespace imagebuild::dockerfile {

namespace {

struct Rest {
  std::string_view text;
  char escape;
};

/// The flags in front of the arguments: words that start with "--"; quotes and escapes are taken
/// off. A lone "--" ends them.
std::string_view take_flags(Rest rest, std::vector<std::string>& flags) {
  std::string_view text = rest.text;
  for (;;) {
    text = trim_left(text);
    if (text.substr(0, 2) != "--") return text;
    std::string word;
    std::size_t i = 0;
    for (char quote = '\0'; i < text.size(); ++i) {
      char c = text[i];
      if (quote == '\0' && (is_blank(c) || c == '\n')) break;
      if (c == rest.escape) {
        if (++i < text.size()) word += text[i];
      } else if (quote == '\0' && (c == '"' || c == '\'')) {
        quote = c;
      } else if (c == quote) {
        quote = '\0';
      } else {
        word += c;
      }
    }
    text.remove_prefix(std::min(i, text.size()));
    if (word == "--") return trim_left(text);
    flags.push_back(std::move(word));
  }
}

/// Words split at blanks; quotes and escapes group characters and stay in the
/// word (expansion removes them).
std::vector<std::string> split_words(Rest rest) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = '\0';
  auto flush = [&] {
    if (in_word) words.push_back(std::move(word));
    word.clear();
    in_word = false;
  };
  const std::string_view text = rest.text;
  for (std::size_t i = 0; i < text.size();) {
    Rune rune = decode_rune(text, i);
    std::string_view character = text.substr(i, rune.width);
    i += rune.width;
    if (quote == '\0' && is_space(rune.value)) {
      flush();
      continue;
    }
    bool escapes = rune.value == static_cast<unsigned char>(rest.escape) && quote != '\'';
    if (escapes && i == text.size()) break;  // nothing follows: dropped
    if (quote == '\0' && (rune.value == '"' || rune.value == '\'')) {
      quote = static_cast<char>(rune.value);
      in_word = true;
    } else if (quote != '\0' && rune.value == static_cast<unsigned char>(quote)) {
      quote = '\0';
    }
    word += character;
    if (escapes) {
      Rune next = decode_rune(text, i);
      word += text.substr(i, next.width);
      i += next.width;
    }
    in_word = in_word || !word.empty();
  }
  flush();
  return words;
}

Result<void> as_words(Rest rest, Node& node) {
  node.args = split_words(rest);
  return {};
}

Result<void> as_blank_separated(Rest rest, Node& node) {
  std::string_view text = rest.text;
  while (!text.empty()) {
    std::size_t end = 0;
    while (end < text.size() && !is_blank(text[end])) ++end;
    if (end > 0) node.args.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  }
  return {};
}

Result<void> as_string(Rest rest, Node& node) {
  if (!rest.text.empty()) node.args.emplace_back(rest.text);
  return {};
}

/// `name=value …`, or the old `name value with blanks`.
Result<void> as_name_values(Rest rest, Node& node) {
  std::vector<std::string> words = split_words(rest);
  if (words.empty()) return {};
  if (words[0].find('=') == std::string::npos) {
    std::size_t end = 0;
    while (end < rest.text.size() && !is_blank(rest.text[end])) ++end;
    std::size_t value = end;
    while (value < rest.text.size() && is_blank(rest.text[value])) ++value;
    if (value == rest.text.size()) {
      return fail(ErrorKind::InvalidInput,
                  "expected a value after " + in_quotes(rest.text) + " (name=value)");
    }
    node.args = {std::string(rest.text.substr(0, end)), std::string(rest.text.substr(value)), ""};
    return {};
  }
  for (const std::string& word : words) {
    Cut pair = cut(word, '=');
    if (!pair.found) {
      return fail(ErrorKind::InvalidInput, "expected name=value, found " + in_quotes(word) +
                                               " without \"=\" (quote values that hold blanks)");
    }
    node.args.emplace_back(pair.before);
    node.args.emplace_back(pair.after);
    node.args.emplace_back("=");
  }
  return {};
}

/// A JSON array of strings. False: it is none, so the text is meant as it
/// stands (the reference's fall-back).
Result<bool> take_json(std::string_view text, Node& node) {
  text = trim_left(text);
  if (text.empty() || text.front() != '[') return false;
  auto json = parse_json(text);
  if (!json || !json->is_array()) return false;
  std::vector<std::string> strings;
  for (const Json& element : *json) {
    if (!element.is_string()) {
      return fail(ErrorKind::InvalidInput, "a JSON array may hold strings only, element " +
                                               std::to_string(strings.size() + 1) + " is " +
                                               std::string(element.type_name()));
    }
    strings.push_back(element.get<std::string>());
  }
  for (std::string& string : strings) node.args.push_back(std::move(string));
  node.json = true;
  return true;
}

Result<void> as_json_or_string(Rest rest, Node& node) {
  if (TRY(take_json(rest.text, node))) return {};
  return as_string(rest, node);
}

Result<void> as_json_or_list(Rest rest, Node& node) {
  if (TRY(take_json(rest.text, node))) return {};
  return as_blank_separated(rest, node);
}

/// HEALTHCHECK: a type, then a command.
Result<void> as_health(Rest rest, Node& node) {
  std::size_t end = 0;
  while (end < rest.text.size() && !is_space(static_cast<unsigned char>(rest.text[end]))) ++end;
  if (end == 0) return {};
  node.args.emplace_back(rest.text.substr(0, end));
  return as_json_or_string({trim_left(rest.text.substr(end)), rest.escape}, node);
}

Result<Node> parse_line_at(std::string_view line, char escape, int depth);

Result<void> as_trigger(Rest rest, Node& node, int depth) {
  if (rest.text.empty()) return {};
  // Deeper nesting is refused by the instruction's parser; the tree needs no more.
  if (depth > 2) return fail(ErrorKind::InvalidInput, "ONBUILD cannot trigger ONBUILD");
  node.children.push_back(TRY(parse_line_at(rest.text, rest.escape, depth + 1)));
  return {};
}

using Rule = Result<void> (*)(Rest, Node&);

const std::map<std::string, Rule, std::less<>>& rules() {
  static const std::map<std::string, Rule, std::less<>> table = {
      {"add", as_json_or_list},
      {"arg", as_words},
      {"cmd", as_json_or_string},
      {"copy", as_json_or_list},
      {"entrypoint", as_json_or_string},
      {"env", as_name_values},
      {"expose", as_blank_separated},
      {"from", as_blank_separated},
      {"healthcheck", as_health},
      {"label", as_name_values},
      {"maintainer", as_string},
      {"run", as_json_or_string},
      {"shell", as_json_or_string},
      {"stopsignal", as_string},
      {"user", as_string},
      {"volume", as_json_or_list},
      {"workdir", as_string},
  };
  return table;
}

Result<Node> parse_line_at(std::string_view line, char escape, int depth) {
  Node node;
  node.text = std::string(line);
  std::string_view text = trim(line);
  std::size_t end = 0;
  while (end < text.size() && !is_blank(text[end])) ++end;
  node.keyword = std::string(text.substr(0, end));
  node.command = lower(node.keyword);
  std::string_view arguments = trim(take_flags({trim_left(text.substr(end)), escape}, node.flags));
  if (node.command == "onbuild") {
    TRY(as_trigger({arguments, escape}, node, depth));
  } else if (auto rule = rules().find(node.command); rule != rules().end()) {
    TRY_CONTEXT(rule->second({arguments, escape}, node), upper(node.keyword));
  }
  return node;
}

}  // namespace

Result<Node> parse_line(std::string_view line, char escape) {
  return parse_line_at(line, escape, 0);
}

const std::vector<std::string>& instruction_keywords() {
  static const std::vector<std::string> keywords = [] {
    std::vector<std::string> all{"ONBUILD"};
    for (const auto& [command, rule] : rules()) all.push_back(upper(command));
    return all;
  }();
  return keywords;
}

}  // namespace imagebuild::dockerfile
