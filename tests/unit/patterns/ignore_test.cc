#include "common/patterns/ignore_rules.h"
#include "tests/support/catch.h"

using namespace imagebuild;

namespace {

IgnoreRules rules(const std::string& text) {
  auto parsed = IgnoreRules::parse(text);
  if (!parsed) FAIL(parsed.error().message);
  return *parsed;
}

}  // namespace

TEST_CASE("one pattern: what it ignores and what it leaves", "[patterns]") {
  struct Row {
    const char *pattern, *path;
    bool ignored;
  };
  for (const Row& row : {
           Row{"a", "a", true},
           Row{"a", "b/a", false},
           Row{"a", "a/b/c", true},
           Row{"a", "ab", false},
           Row{"/a", "a", true},
           Row{"a/", "a", true},
           Row{"a/", "a/b", true},
           Row{"./a", "a", true},
           Row{"a/../b", "b", true},
           Row{"a//b", "a/b", true},
           Row{"a/./b", "a/b", true},
           Row{"  a  ", "a", true},
           Row{"*", "a", true},
           Row{"*", "a/b", true},
           Row{"*.md", "x.md", true},
           Row{"*.md", "d/x.md", false},
           Row{"*/*.md", "d/x.md", true},
           Row{"*/*.md", "x.md", false},
           Row{"a*", "abc/d", true},
           Row{"a?c", "abc", true},
           Row{"a?c", "a/c", false},
           Row{"a*c", "a/c", false},
           Row{"**", "a/b/c", true},
           Row{"**/a", "a", true},
           Row{"**/a", "x/y/a", true},
           Row{"**/a", "x/ya", false},
           Row{"**/a", "x/a/z", true},
           Row{"a/**", "a/b/c", true},
           Row{"a/**", "a", false},
           Row{"a/**/b", "a/b", true},
           Row{"a/**/b", "a/x/y/b", true},
           Row{"a/**/b", "a/xb", false},
           Row{"**/*.go", "a/b/c.go", true},
           Row{"**/*.go", "c.go", true},
           Row{"**/a/*.o", "x/a/y.o", true},
           Row{"**/a/*.o", "a/y.o", true},
           Row{"**/a/*.o", "a/b/y.o", false},
           Row{"a**", "abc", true},
           Row{"[ab]c", "ac", true},
           Row{"[ab]c", "cc", false},
           Row{"[^ab]c", "cc", true},
           Row{"[a-c]x", "bx", true},
           Row{"[a-c]x", "dx", false},
           Row{"[\\]a]x", "]x", true},
           Row{"\\*", "*", true},
           Row{"\\*", "a", false},
           Row{"\\!a", "!a", true},
           Row{"a.b", "axb", false},
           Row{"a+(b)|{c}$", "a+(b)|{c}$", true},
           Row{"^a", "^a", true},
           Row{"#a", "#a", false},
           Row{" #a", "#a", true},
           Row{"Dockerfile", "Dockerfile", true},
           Row{".dockerignore", ".dockerignore", true},
           Row{"한*", "한국", true},
           Row{".", "a", false},
           Row{"../a", "a", false},
           Row{"node_modules", "web/node_modules", false},
       }) {
    INFO(row.pattern << " on " << row.path);
    CHECK(rules(row.pattern).ignored(row.path) == row.ignored);
  }
}

TEST_CASE("the last match wins", "[patterns]") {
  CHECK_FALSE(rules("*.md\n!README.md").ignored("README.md"));
  CHECK(rules("*.md\n!README.md").ignored("OTHER.md"));
  CHECK(rules("*.md\n!README*.md\nREADME-secret.md").ignored("README-secret.md"));
  CHECK_FALSE(rules("*.md\nREADME-secret.md\n!README*.md").ignored("README-secret.md"));
  CHECK(rules("!README.md\n*.md").ignored("README.md"));
  CHECK_FALSE(rules("*\n!src\n").ignored("src/a/b.c"));
  CHECK(rules("*\n!src\nsrc/**/*.o\n").ignored("src/a/b.o"));
  CHECK_FALSE(rules("a\n!a/b\n").ignored("a/b/c"));
  CHECK(rules("a\n!a/b\n").ignored("a/c"));
  CHECK_FALSE(rules("*\n! /keep \n").ignored("keep"));
}

TEST_CASE("comments, blank lines, a byte order mark and CRLF are no patterns", "[patterns]") {
  auto parsed = rules("\xef\xbb\xbf# comment\r\n\r\n  \r\na\r\n");
  CHECK(parsed.ignored("a"));
  CHECK_FALSE(parsed.ignored("# comment"));
  CHECK_FALSE(parsed.empty());
  CHECK(rules("# only\n\n").empty());
  CHECK_FALSE(IgnoreRules().ignored("a"));
}

TEST_CASE("a walk enters an ignored directory only for what may come back", "[patterns]") {
  CHECK_FALSE(rules("a").may_contain_included("a"));
  CHECK(rules("a").may_contain_included("b"));
  CHECK(rules("a\n!a/b/c").may_contain_included("a"));
  CHECK(rules("a\n!a/b/c").may_contain_included("a/b"));
  CHECK_FALSE(rules("a\n!a/b/c").may_contain_included("a/x"));
  CHECK_FALSE(rules("*\n!src").may_contain_included("node_modules"));
  CHECK(rules("*\n!**/*.go").may_contain_included("any/dir"));
  CHECK(rules("*\n!s*/x").may_contain_included("src"));
  CHECK_FALSE(rules("*\n!s*/x").may_contain_included("other"));
}

TEST_CASE("malformed patterns are named with their line", "[patterns]") {
  struct Row {
    const char *text, *part;
  };
  for (const Row& row : {Row{"a\n[b\n", "line 2: pattern \"[b\": unfinished ["},
                         Row{"!\n", "line 1: expected a pattern after \"!\""},
                         Row{"a\\", "nothing follows the last \\"}, Row{"[]a]", "unfinished ["}}) {
    auto result = IgnoreRules::parse(row.text);
    REQUIRE_FALSE(result.ok());
    CHECK_THAT(result.error().message, Catch::Matchers::Contains(row.part));
  }
}

TEST_CASE("hostile patterns take bounded time", "[patterns]") {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  CHECK_FALSE(rules(pattern + "b").ignored(std::string(3000, 'a')));
  std::string deep;
  for (int i = 0; i < 500; ++i) deep += "a/";
  CHECK_FALSE(rules("**/x/**/y/**/*z*").ignored(deep + "a"));
  CHECK_FALSE(IgnoreRules::parse(std::string((1u << 20) + 1, 'a')).ok());
}

TEST_CASE("patterns given one by one have no comments, and the last match wins", "[patterns]") {
  auto rules = IgnoreRules::from_patterns({"#keep", "**/*.txt", " ", "!docs/*.txt"});
  REQUIRE(rules.ok());
  CHECK(rules->ignored("#keep"));
  CHECK(rules->ignored("a.txt"));
  CHECK(rules->ignored("x/a.txt"));
  CHECK_FALSE(rules->ignored("docs/a.txt"));
  CHECK(rules->may_contain_included("docs"));
  auto malformed = IgnoreRules::from_patterns({"a", "[b"});
  REQUIRE_FALSE(malformed.ok());
  CHECK(malformed.error().kind == ErrorKind::InvalidInput);
  CHECK(malformed.error().message == "pattern \"[b\": unfinished [");
}
