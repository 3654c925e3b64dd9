#include "builder/dockerfile/dockerfile.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::dockerfile;

namespace {

Syntax tree(const std::string& text) {
  auto syntax = parse_syntax(text, "Dockerfile");
  if (!syntax) FAIL(syntax.error().message);
  return *syntax;
}

}  // namespace

TEST_CASE("lines count from one and cover continuations and heredocs", "[dockerfile]") {
  auto syntax = tree("\n# c\nFROM a\nRUN x \\\n\n # c\n  y\nCOPY <<A <<B /\n1\nA\n2\nB\nCMD z");
  REQUIRE(syntax.nodes.size() == 4);
  CHECK(syntax.nodes[0].lines == LineRange{3, 3});
  CHECK(syntax.nodes[1].lines == LineRange{4, 7});
  CHECK(syntax.nodes[1].args == std::vector<std::string>{"x   y"});
  CHECK(syntax.nodes[2].lines == LineRange{8, 12});
  CHECK(syntax.nodes[3].lines == LineRange{13, 13});
  REQUIRE(syntax.empty_continuations.size() == 1);
}

TEST_CASE("a byte order mark and CRLF do not reach the arguments", "[dockerfile]") {
  auto syntax = tree(
      "\xef\xbb\xbf# syntax=docker/dockerfile:1\r\nFROM a\r\nRUN x \\\r\n  y\r\nWORKDIR /a  "
      "\r\nRUN <<E\r\nbody\r\nE\r\n");
  CHECK(syntax.directives.syntax == "docker/dockerfile:1");
  CHECK(syntax.nodes[0].args[0] == "a");
  CHECK(syntax.nodes[1].args[0] == "x   y");
  CHECK(syntax.nodes[2].args[0] == "/a");
  CHECK(syntax.nodes[3].heredocs[0].content == "body\r\n");
}

TEST_CASE("directives stand at the top, once, before any other comment", "[dockerfile]") {
  auto syntax =
      tree("#SYNTAX = docker/dockerfile:1.7\n#   Escape=`\n# check=skip=all;error=true\nFROM `\na");
  CHECK(syntax.directives.syntax == "docker/dockerfile:1.7");
  CHECK(syntax.directives.escape == '`');
  CHECK(syntax.directives.check == "skip=all;error=true");
  CHECK(syntax.directives.check_line == 3);
  CHECK(syntax.nodes[0].args[0] == "a");

  CHECK(tree("#!/usr/bin/env x\n# syntax=a/b\nFROM a").directives.syntax == "a/b");
  CHECK(tree("# syntax=\n# escape=`\nFROM a").directives.escape == '\\');
  CHECK(tree("# a comment\n# escape=`\nFROM a").directives.escape == '\\');
  CHECK(tree("# unknown=1\n# escape=`\nFROM a").directives.escape == '\\');
  CHECK(tree("\n# escape=`\nFROM a").directives.escape == '\\');
  CHECK(tree("FROM a\n# escape=`\nRUN b").directives.escape == '\\');
  CHECK_THAT(parse_syntax("# escape=`\n# escape=\\\nFROM a", "f").error().message,
             Catch::Matchers::Contains("f:2: directive escape: may be given only once"));
  CHECK_THAT(parse_syntax("# escape=x\nFROM a", "f").error().message,
             Catch::Matchers::Contains("f:1: directive escape: expected \\ or `"));
}

TEST_CASE("an escaped escape does not continue the line", "[dockerfile]") {
  auto syntax = tree("FROM a\nENV A b\\\\\nENV C d\\ \t\n  e\n");
  REQUIRE(syntax.nodes.size() == 3);
  CHECK(syntax.nodes[1].args[1] == "b\\\\");
  CHECK(syntax.nodes[2].args[1] == "d  e");
}

TEST_CASE("a hash inside a line is no comment", "[dockerfile]") {
  auto syntax = tree("FROM a\nRUN echo # x\nLABEL a=#b\n");
  CHECK(syntax.nodes[1].args[0] == "echo # x");
  CHECK(syntax.nodes[2].args[1] == "#b");
}

TEST_CASE("heredocs are found as the shell finds them", "[dockerfile]") {
  struct Row {
    const char* line;
    std::size_t count;
    const char* name;
    bool expand, chomp;
    int fd;
  };
  for (const Row& row :
       {Row{"RUN <<EOF", 1, "EOF", true, false, 0}, Row{"RUN <<-EOF cat", 1, "EOF", true, true, 0},
        Row{"RUN <<'EOF'", 1, "EOF", false, false, 0},
        Row{"RUN <<\"EOF\" sh", 1, "EOF", false, false, 0},
        Row{"RUN 3<<EOF sh", 1, "EOF", true, false, 3}, Row{"RUN << EOF", 1, "EOF", true, false, 0},
        Row{"RUN cat <<EO'F'", 1, "EOF", false, false, 0},
        Row{"ONBUILD RUN <<EOF", 1, "EOF", true, false, 0}}) {
    INFO(row.line);
    auto syntax = tree("FROM a\n" + std::string(row.line) + "\nx\n\tEOF\nEOF\nUSER b\n");
    const Node& node = syntax.nodes[1];
    REQUIRE(node.heredocs.size() == row.count);
    CHECK(node.heredocs[0].name == row.name);
    CHECK(node.heredocs[0].expand == row.expand);
    CHECK(node.heredocs[0].chomp == row.chomp);
    CHECK(node.heredocs[0].fd == row.fd);
    CHECK(node.heredocs[0].content == (row.chomp ? "x\n" : "x\n\tEOF\n"));
  }
  for (const char* line :
       {"RUN echo \"<<EOF\"", "RUN echo '<<EOF'", "RUN echo \\<<EOF", "RUN cat <<<EOF",
        "RUN [\"cat\", \"<<EOF\"]", "CMD cat <<EOF", "RUN echo $((1<<2))", "RUN it's <<EOF"}) {
    INFO(line);
    CHECK(tree("FROM a\n" + std::string(line) + "\n").nodes[1].heredocs.empty());
  }
}

TEST_CASE("a heredoc body is not looked at", "[dockerfile]") {
  auto syntax = tree("FROM a\nRUN <<EOF\n# no comment\nFROM x \\\n\n  <<Y\nEOF\nUSER b");
  REQUIRE(syntax.nodes.size() == 3);
  CHECK(syntax.nodes[1].heredocs[0].content == "# no comment\nFROM x \\\n\n  <<Y\n");
}

TEST_CASE("leading tabs go with <<- and nothing else does", "[dockerfile]") {
  auto syntax = tree("FROM a\nCOPY <<-E /a\n\t\tone\n\t two\tx\nthree\n\tE\n");
  CHECK(syntax.nodes[1].heredocs[0].text() == "one\n two\tx\nthree\n");
}

TEST_CASE("flags lose their quotes, a double dash ends them", "[dockerfile]") {
  auto syntax = tree("FROM a\nCOPY --chown=\"a b\" --x='y'z --q=\\\" -- --from=b c\n");
  CHECK(syntax.nodes[1].flags == std::vector<std::string>{"--chown=a b", "--x=yz", "--q=\""});
  CHECK(syntax.nodes[1].args == std::vector<std::string>{"--from=b", "c"});
}

TEST_CASE("comments directly above an instruction belong to it", "[dockerfile]") {
  auto syntax = tree("# one\n\n# two\n# three\nFROM a\n# four\n#\nRUN b\n");
  CHECK(syntax.nodes[0].comments == std::vector<std::string>{"two", "three"});
  CHECK(syntax.nodes[1].comments.empty());
}

TEST_CASE("broken JSON is shell form, JSON of other things than strings is an error",
          "[dockerfile]") {
  auto syntax = tree("FROM a\nRUN ['a']\nRUN [\"a\"] b\nRUN [ -f /x ]\nRUN [\"a\",]\n");
  for (std::size_t i = 1; i < syntax.nodes.size(); ++i) CHECK_FALSE(syntax.nodes[i].json);
  CHECK(syntax.nodes[2].args[0] == "[\"a\"] b");
  CHECK_THAT(parse_syntax("FROM a\nRUN [\"a\", 1]\n", "f").error().message,
             Catch::Matchers::Contains(
                 "f:2: RUN: a JSON array may hold strings only, element 2 is number"));
}

TEST_CASE("bytes that are not UTF-8 pass through", "[dockerfile]") {
  auto syntax = tree("FROM a\nCOPY \xff\xfe /b\nRUN echo \xc3\n");
  CHECK(syntax.nodes[1].args[0] == "\xff\xfe");
  CHECK(syntax.nodes[2].args[0] == "echo \xc3");
}
