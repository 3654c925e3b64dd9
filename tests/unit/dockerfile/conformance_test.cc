// Vectors from outside (not part of this repository): word expansion, word splitting and parse
// trees. They run when the folder is there and say so when it is not.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <sstream>

#include "builder/dockerfile/dockerfile.h"
#include "builder/dockerfile/expand.h"
#include "common/base/unique_fd.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::dockerfile;
namespace fs = std::filesystem;

namespace {

std::optional<fs::path> vectors(const char* what) {
  const char* given = std::getenv("IMAGEBUILD_CONFORMANCE");
  fs::path path = (given != nullptr ? fs::path(given)
                                    : fs::path(IMAGEBUILD_SOURCE_DIR) / "../shared/conformance") /
                  what;
  if (fs::exists(path)) return path;
  std::cout << "skipped: " << what << " is not there (set IMAGEBUILD_CONFORMANCE)\n";
  return std::nullopt;
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::istringstream text(*read_file(path.string()));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::string trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(" \t") == std::string::npos ? text.size()
                                                                   : text.find_first_not_of(" \t"));
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.pop_back();
  return text;
}

VariableLookup lookup_in(const std::map<std::string, std::string>& variables) {
  return [&variables](std::string_view name) -> std::optional<std::string> {
    auto found = variables.find(std::string(name));
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

std::string go_quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\0':
        out += "\\x00";
        break;
      default:
        out += c;
    }
  }
  return out + '"';
}

std::string expression(const Node& node) {
  std::string out = "(" + node.command;
  if (!node.flags.empty()) {
    std::string flags;
    for (const std::string& flag : node.flags)
      flags += (flags.empty() ? "" : " ") + go_quoted(flag);
    out += " [" + flags + "]";
  }
  for (const Node& child : node.children) out += " " + expression(child);
  for (const std::string& arg : node.args) out += " " + go_quoted(arg);
  return out + ")";
}

}  // namespace

TEST_CASE("words expand as the outside vectors say", "[dockerfile][conformance]") {
  auto path = vectors("lexer/envVarTest");
  if (!path) return;
  std::map<std::string, std::string> environment{
      {"PWD", "/home"}, {"SHELL", "bash"}, {"KOREAN", "한국어"}, {"NULL", ""}};
  int count = 0;
  for (const std::string& line : lines_of(*path)) {
    if (line.empty() || line[0] == '#') continue;
    std::size_t first = line.find('|'), second = line.rfind('|');
    if (line.substr(0, first) == "W") continue;
    std::string input = trimmed(line.substr(first + 1, second - first - 1));
    std::string expected = trimmed(line.substr(second + 1));
    INFO(line);
    auto result = expand(input, lookup_in(environment));
    if (expected == "error")
      CHECK_FALSE(result.ok());
    else if (!result)
      FAIL_CHECK(result.error().message);
    else
      CHECK(*result == expected);
    ++count;
  }
  CHECK(count > 100);
}

TEST_CASE("words split as the outside vectors say", "[dockerfile][conformance]") {
  auto path = vectors("lexer/wordsTest");
  if (!path) return;
  std::map<std::string, std::string> environment;
  int count = 0;
  for (const std::string& line : lines_of(*path)) {
    if (line.empty() || line[0] == '#') continue;
    INFO(line);
    if (line.rfind("ENV ", 0) == 0) {
      std::size_t equals = line.find('=');
      environment[line.substr(4, equals - 4)] = line.substr(equals + 1);
      continue;
    }
    std::size_t bar = line.find('|');
    std::string input = trimmed(line.substr(0, bar));
    std::string expected = line.substr(bar + 1);
    expected.erase(0, expected.find_first_not_of(' '));
    auto result = expand_words(input, lookup_in(environment));
    ++count;
    if (expected == "error") {
      CHECK_FALSE(result.ok());
      continue;
    }
    REQUIRE(result.ok());
    std::string joined;
    for (const std::string& word : *result) joined += (&word == &result->front() ? "" : ",") + word;
    CHECK(joined == expected);
  }
  CHECK(count > 20);
}

TEST_CASE("files parse into the outside trees", "[dockerfile][conformance]") {
  auto path = vectors("parser");
  if (!path) return;
  int count = 0;
  for (const auto& entry : fs::directory_iterator(*path)) {
    INFO(entry.path().filename().string());
    auto syntax = parse_syntax(*read_file((entry.path() / "Dockerfile").string()), "Dockerfile");
    if (!syntax) {
      FAIL_CHECK(syntax.error().message);
      continue;
    }
    std::string tree;
    for (const Node& node : syntax->nodes) tree += expression(node) + "\n";
    std::string expected = *read_file((entry.path() / "result").string());
    while (!expected.empty() && expected.back() == '\n') expected.pop_back();
    while (!tree.empty() && tree.back() == '\n') tree.pop_back();
    CHECK(tree == expected);
    ++count;
  }
  CHECK(count > 10);
}
