#include "builder/dockerfile/expand.h"

#include <map>

#include "builder/dockerfile/dockerfile.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::dockerfile;

namespace {

const std::map<std::string, std::string> kVariables{{"FOO", "xxyy"},
                                                    {"EMPTY", ""},
                                                    {"PATHY", "/a/foo/b/c.txt"},
                                                    {"FILE", "archive.tar.gz"},
                                                    {"X", "x"},
                                                    {"STARS", "a***yy*"},
                                                    {"SPACED", " a  b "},
                                                    {"KO", "한국어"},
                                                    {"URL", "http://google.de"},
                                                    {"BRACES", "()[]{}^$.*?|\\x"}};

std::optional<std::string> find_variable(std::string_view name) {
  auto found = kVariables.find(std::string(name));
  return found == kVariables.end() ? std::nullopt : std::optional(found->second);
}

Instruction instruction(const std::string& line) {
  auto file = parse("FROM scratch\n" + line + "\n", "Dockerfile");
  if (!file) FAIL(file.error().message);
  return file->stages[0].instructions[0];
}

Instruction expanded(const std::string& line) {
  auto result = expand_instruction(instruction(line), find_variable, '\\');
  if (!result) FAIL(result.error().message);
  return *result;
}

}  // namespace

TEST_CASE("every form of substitution", "[dockerfile]") {
  struct Row {
    const char *word, *expected;
  };
  for (const Row& row : {Row{"${FOO#x}", "xyy"},
                         Row{"${FOO##x}", "xyy"},
                         Row{"${FOO##*x}", "yy"},
                         Row{"${FOO#*}", "xxyy"},
                         Row{"${FOO##*}", ""},
                         Row{"${FOO#*x*y}", "y"},
                         Row{"${FOO##*x*y}", ""},
                         Row{"${FOO%y}", "xxy"},
                         Row{"${FOO%%y*}", "xx"},
                         Row{"${FOO%y*}", "xxy"},
                         Row{"${FOO%}", "xxyy"},
                         Row{"${FOO#}", "xxyy"},
                         Row{"${FOO#z}", "xxyy"},
                         Row{"${FOO#$X}", "xyy"},
                         Row{"${FOO#${UNSET:-x}}", "xyy"},
                         Row{"${FILE%.*}", "archive.tar"},
                         Row{"${FILE%%.*}", "archive"},
                         Row{"${FILE#*.}", "tar.gz"},
                         Row{"${FILE##*.}", "gz"},
                         Row{"${STARS%%\\**\\*}", "a"},
                         Row{"${FOO#?}", "xyy"},
                         Row{"${KO#?}", "국어"},
                         Row{"${KO%어}", "한국"},
                         Row{"${UNSET#x}", ""},
                         Row{"${BRACES#()[]{\\}^$.\\*\\?|\\\\}", "x"},
                         Row{"${PATHY/o/0}", "/a/f0o/b/c.txt"},
                         Row{"${PATHY//o/0}", "/a/f00/b/c.txt"},
                         Row{"${PATHY//\\//-}", "-a-foo-b-c.txt"},
                         Row{"${PATHY/\\/*\\//_}", "_c.txt"},
                         Row{"${FOO/x*y/-}", "-"},
                         Row{"${FOO//?/z}", "zzzz"},
                         Row{"${FOO/q/-}", "xxyy"},
                         Row{"${FOO//x/}", "yy"},
                         Row{"${FOO/$EMPTY/w}", "wxxyy"},
                         Row{"${FOO//$EMPTY/-}", "-x-x-y-y-"},
                         Row{"${UNSET/x/y}", ""},
                         Row{"${URL/http:\\/\\//https:\\/\\/}", "https:\\/\\/google.de"},
                         Row{"${FOO//*/z}", "z"},
                         Row{"${EMPTY:-d}", "d"},
                         Row{"${EMPTY-d}", ""},
                         Row{"${UNSET-d}", "d"},
                         Row{"${FOO:+set}", "set"},
                         Row{"${EMPTY:+set}", ""},
                         Row{"${EMPTY+set}", "set"},
                         Row{"${FOO:?no}", "xxyy"},
                         Row{"${EMPTY?no}", ""},
                         Row{"${UNSET:-${ALSO:-${X}}}", "x"},
                         Row{"${UNSET:-\"a b\"}", "a b"},
                         Row{"${UNSET:-'$X'}", "$X"},
                         Row{"'$X'\"$X\"$X\\$X", "$Xxx$X"},
                         Row{"$X$", "x$"},
                         Row{"$X-${X}-$XY", "x-x-"},
                         Row{"$KO", "한국어"},
                         Row{"a\\ b", "a b"},
                         Row{"\"\\a\\\"\\$\\\\\"", "\\a\"$\\"},
                         Row{"a<b<<c", "a<b<<c"},
                         Row{"", ""}}) {
    INFO(row.word);
    auto result = expand(row.word, find_variable);
    if (!result)
      FAIL_CHECK(result.error().message);
    else
      CHECK(*result == row.expected);
  }
}

TEST_CASE("errors of expansion say where and what", "[dockerfile]") {
  struct Row {
    const char *word, *part;
  };
  for (const Row& row :
       {Row{"ab${X", "character 6: missing '}'"}, Row{"'abc", "missing closing '"},
        Row{"x\"abc", "character 2: missing closing \""}, Row{"${}", "variable's name"},
        Row{"${UNSET?give it}", "UNSET: give it"}, Row{"${UNSET:?}", "not allowed to be unset"},
        Row{"${EMPTY:?}", "not allowed to be empty"},
        Row{"${UNSET?two\nlines\xff}", "UNSET: two lines\xef\xbf\xbd"},
        Row{"${X:#a}", "unknown modifier"}, Row{"${X=a}", "unknown modifier \"=\""},
        Row{"${X:=a}", "unknown modifier \":=\""}, Row{"${X//a}", "missing '/'"},
        Row{"${X#\\a}", "\\ must stand before"}, Row{"${X:-a", "missing '}'"},
        Row{"${한국", "missing '}'"}}) {
    INFO(row.word);
    auto result = expand(row.word, find_variable);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == ErrorKind::InvalidInput);
    CHECK_THAT(result.error().message, Catch::Matchers::Contains(row.part));
  }
}

TEST_CASE("the escape character follows the directive", "[dockerfile]") {
  CHECK(*expand("`$X\\$X", find_variable, {.escape = '`'}) == "$X\\x");
  CHECK(*expand("c:\\dir\\$X", find_variable, {.escape = '`'}) == "c:\\dir\\x");
}

TEST_CASE("what was looked at is reported", "[dockerfile]") {
  VariableUse use;
  REQUIRE(expand("$FOO ${UNSET} ${WITH:-d} ${ALT+x} '$QUOTED' \\$ESCAPED", find_variable, {}, &use)
              .ok());
  CHECK(use.used == std::set<std::string>{"FOO", "UNSET", "WITH", "ALT"});
  CHECK(use.unset == std::set<std::string>{"UNSET", "WITH", "ALT"});
}

TEST_CASE("words split at blanks of values but not at quoted ones", "[dockerfile]") {
  CHECK(*expand_words("a$SPACED\"$SPACED\"'c d'", find_variable) ==
        std::vector<std::string>{"a", "a", "b", " a  b c d"});
  CHECK(*expand_words("80${UNSET:-81} \"\" ", find_variable) == std::vector<std::string>{"8081"});
}

TEST_CASE("one ENV sees the values from before it", "[dockerfile]") {
  auto env = expanded("ENV X=new def=$X ghi=\"a  $X\" jkl=$X\\ y 'q r'=s").value;
  const auto& variables = std::get<Env>(env).variables;
  REQUIRE(variables.size() == 5);
  CHECK(variables[0].value == "new");
  CHECK(variables[1].value == "x");
  CHECK(variables[2].value == "a  x");
  CHECK(variables[3].value == "x y");
  CHECK(variables[4].key == "q r");
}

TEST_CASE("the legacy form of ENV keeps the rest of the line", "[dockerfile]") {
  const auto variables = std::get<Env>(expanded("ENV name  a   $X \"q  r\"").value).variables;
  REQUIRE(variables.size() == 1);
  CHECK(variables[0].value == "a   x q  r");
}

TEST_CASE("arguments of the listed instructions expand", "[dockerfile]") {
  CHECK(std::get<Workdir>(expanded("WORKDIR /$X/${UNSET:-d}").value).path == "/x/d");
  CHECK(std::get<User>(expanded("USER $X:$X").value).user == "x:x");
  CHECK(std::get<StopSignal>(expanded("STOPSIGNAL SIG${UNSET:-TERM}").value).signal == "SIGTERM");
  CHECK(std::get<Volume>(expanded("VOLUME [\"/$X\"]").value).paths ==
        std::vector<std::string>{"/x"});
  CHECK(std::get<Expose>(expanded("EXPOSE $SPACED 80/$X").value).ports ==
        std::vector<std::string>{"a", "b", "80/x"});
  CHECK(std::get<Label>(expanded("LABEL $X=\"$FOO\"").value).labels[0].key == "x");
  CHECK(std::get<Arg>(expanded("ARG A=$X B").value).definitions[0].value == "$X");  // the scope's
  auto copy = std::get<Copy>(expanded("COPY --from=b --chown=$X:$X --chmod=$X $X/* /$X/").value);
  CHECK(copy.sources == std::vector<std::string>{"x/*"});
  CHECK(copy.destination == "/x/");
  CHECK(copy.chown == "x:x");
  CHECK(copy.chmod == "x");
}

TEST_CASE("commands are the shell's and stay as they are", "[dockerfile]") {
  CHECK(std::get<Run>(expanded("RUN echo $X ${UNSET?no}").value).command.argv[0] ==
        "echo $X ${UNSET?no}");
  CHECK(std::get<Cmd>(expanded("CMD [\"$X\"]").value).command.argv[0] == "$X");
  CHECK(std::get<Entrypoint>(expanded("ENTRYPOINT $X").value).command.argv[0] == "$X");
}

TEST_CASE("bodies of unquoted heredocs expand and keep their quotes", "[dockerfile]") {
  auto copy =
      std::get<Copy>(expanded("COPY <<a <<-'b' /d/\nit's \"$X\" \\$X\na\n\tkeep $X\nb").value);
  REQUIRE(copy.files.size() == 2);
  CHECK(copy.files[0].body.text() == "it's \"x\" $X\n");
  CHECK(copy.files[1].body.text() == "keep $X\n");
}

TEST_CASE("mount values expand, from does not", "[dockerfile]") {
  auto run = std::get<Run>(
      expanded("RUN --mount=type=cache,target=/$X,id=${UNSET:-i},mode=0755 true").value);
  REQUIRE(run.mounts.size() == 1);
  CHECK(run.mounts[0].target == "/x");
  CHECK(run.mounts[0].id == "i");
  CHECK(run.mounts[0].mode == 0755u);
  auto wrong = instruction("RUN --mount=type=$UNSET,target=/a true");
  CHECK_FALSE(expand_instruction(wrong, find_variable, '\\').ok());
  CHECK_FALSE(parse("FROM a\nRUN --mount=from=$X,target=/a true\n", "f").ok());
}

TEST_CASE("STOPSIGNAL takes numbers and the names of Linux", "[dockerfile]") {
  for (const char* good : {"9", "64", "KILL", "SIGKILL", "sigterm", "Usr1", "RTMIN", "SIGRTMIN+15",
                           "RTMAX-14", "CLD", "winch"}) {
    INFO(good);
    CHECK(expand_instruction(instruction(std::string("STOPSIGNAL ") + good), find_variable, '\\')
              .ok());
  }
  for (const char* bad :
       {"0", "-9", "SIG", "TERMINATE", "RTMIN+16", "RTMAX-15", "RTMIN+0", "$EMPTY", "SIGSIGTERM"}) {
    INFO(bad);
    auto result =
        expand_instruction(instruction(std::string("STOPSIGNAL ") + bad), find_variable, '\\');
    REQUIRE_FALSE(result.ok());
    CHECK_THAT(result.error().message, Catch::Matchers::Contains("expected a signal"));
  }
}

TEST_CASE("the escape of an inline file's body is the backslash, whatever the directive says",
          "[dockerfile]") {
  auto file = parse("# escape=`\nFROM scratch\nCOPY <<E /a`$X\n`$X \\$X\nE\n", "Dockerfile");
  REQUIRE(file.ok());
  auto copy = expand_instruction(file->stages[0].instructions[0], find_variable, '`');
  REQUIRE(copy.ok());
  CHECK(copy->get_if<Copy>()->files[0].body.text() == "`x $X\n");
  CHECK(copy->get_if<Copy>()->destination == "/a$X");
}
