// Input that is made to hurt: each ends soon, with a clear error or a plain answer.
#include <ctime>

#include "builder/dockerfile/check.h"
#include "builder/dockerfile/dockerfile.h"
#include "builder/dockerfile/expand.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::dockerfile;

namespace {

std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

/// Processor time, not the clock on the wall: generous for sanitizers, and what is quadratic takes
/// minutes.
class Soon {
 public:
  ~Soon() { CHECK((std::clock() - start_) / CLOCKS_PER_SEC < 60); }

 private:
  std::clock_t start_ = std::clock();
};

std::optional<std::string> always_long(std::string_view) { return std::string(500'000, 'a'); }

}  // namespace

TEST_CASE("a file over 10 MiB is refused", "[dockerfile][bounds]") {
  Soon soon;
  auto result = parse("FROM a\n" + repeated("# filler filler filler\n", 500'000), "f");
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message == "f: the file is larger than 10 MiB");
}

TEST_CASE("a line over 1 MiB is refused with its number, one of 1 MB parses",
          "[dockerfile][bounds]") {
  Soon soon;
  auto result = parse("FROM a\nRUN " + repeated("x", (1u << 20) + 1) + "\n", "f");
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message == "f:2: the line is longer than 1 MiB");
  CHECK(parse("FROM a\nRUN " + repeated("x ", 500'000) + "\n", "f").ok());
  CHECK(parse("FROM a\nENV " + repeated("a=b ", 250'000) + "\n", "f").ok());
  CHECK(parse("FROM a\nCOPY " + repeated("a ", 500'000) + "\n", "f").ok());
  CHECK_FALSE(parse("FROM a\nCOPY " + repeated("--x ", 250'000) + "\n", "f").ok());
  CHECK_FALSE(parse("FROM a\nRUN <<E\n" + repeated("x", (1u << 20) + 1) + "\nE\n", "f").ok());
}

TEST_CASE("more than 10,000 instructions are refused", "[dockerfile][bounds]") {
  Soon soon;
  CHECK(parse("FROM a\n" + repeated("RUN b\n", 9'999), "f").ok());
  auto result = parse("FROM a\n" + repeated("RUN b\n", 10'000), "f");
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message == "f:10001: more than 10,000 instructions");
}

TEST_CASE("ten thousand stages are checked in bounded time", "[dockerfile][bounds]") {
  Soon soon;
  std::string text = "FROM scratch AS s0\n";
  for (int i = 1; i < 5'000; ++i)
    text += "FROM s" + std::to_string(i - 1) + " AS s" + std::to_string(i) + "\nENV v" +
            std::to_string(i % 50) + "=$undefined\n";
  auto file = parse(text, "f");
  REQUIRE(file.ok());
  CHECK(check(*file).ok());
}

TEST_CASE("continuations and heredocs of many lines take linear time", "[dockerfile][bounds]") {
  Soon soon;
  CHECK(parse("FROM a\nRUN x" + repeated(" \\\n y", 1'000'000) + "\n", "f").ok());
  CHECK(parse("FROM a\nRUN <<E\n" + repeated("line\n", 1'500'000) + "E\n", "f").ok());
  CHECK_FALSE(parse("FROM a\nRUN " + repeated("<<E ", 200'000) + "\n", "f").ok());
  CHECK(parse("FROM a\nCOPY <<E /b\n" + repeated("\t\tline\n", 1'000'000) + "E\n", "f").ok());
}

TEST_CASE("deep nesting is refused, not a stack overflow", "[dockerfile][bounds]") {
  Soon soon;
  auto none = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
  auto result = expand(repeated("${a:-", 200'000), none);
  REQUIRE_FALSE(result.ok());
  CHECK_THAT(result.error().message, Catch::Matchers::Contains("nested deeper than 100"));
  CHECK_FALSE(parse("FROM a\n" + repeated("ONBUILD ", 100'000) + "RUN b\n", "f").ok());
  CHECK(parse("FROM a\nCMD " + repeated("[", 100'000) + "\n", "f")
            .ok());  // no JSON of ours: shell form
}

TEST_CASE("values cannot grow without bound", "[dockerfile][bounds]") {
  Soon soon;
  for (const std::string& word :
       {repeated("$a", 500'000), "\"" + repeated("$a", 300'000) + "\"", std::string("${a//a/$a}"),
        "${b:-" + repeated("$a", 100'000) + "}"}) {
    auto result = expand(word, always_long);
    if (word.rfind("${b", 0) == 0 && result.ok()) continue;
    REQUIRE_FALSE(result.ok());
    CHECK_THAT(result.error().message, Catch::Matchers::Contains("larger than 1 MiB"));
  }
}

TEST_CASE("hostile patterns take bounded time", "[dockerfile][bounds]") {
  Soon soon;
  CHECK(expand("${a#" + repeated("*a", 50) + "b}", always_long).ok());
  CHECK(expand("${a%%" + repeated("*a", 50) + "b}", always_long).ok());
  CHECK(expand("${a//" + repeated("a*", 30) + "b/x}", always_long).ok());
  CHECK(expand("${a//aa/b}", always_long).ok());
  CHECK_FALSE(expand("${a#" + repeated("?", 5'000) + "}", always_long).ok());
}

TEST_CASE("a lint of hostile variables and comments ends soon and within its bounds",
          "[dockerfile][bounds]") {
  Soon soon;
  std::string names, uses, comments = repeated("# check=skip=StageNameCasing\n", 50'000);
  for (int i = 0; i < 60'000; ++i) {
    names += " n" + std::to_string(i) + "=1";
    uses += " $u" + std::to_string(i);
  }
  auto many_names = parse("FROM scratch\nENV" + names + "\n" + repeated("COPY $x .\n", 9'000), "f");
  REQUIRE(many_names.ok());
  CHECK(check(*many_names)->findings.size() == 9'000);
  auto many_uses = parse("FROM scratch\n" + comments + "COPY" + uses + " /d\n", "f");
  REQUIRE(many_uses.ok());
  auto result = check(*many_uses);
  CHECK(result->findings.size() == kMaxFindings);
  CHECK(result->omitted == 50'000);
  std::string stages = "FROM scratch AS s0\nENV" + names + "\n";
  for (int i = 1; i < 4'000; ++i)
    stages += "FROM s" + std::to_string(i - 1) + " AS s" + std::to_string(i) + "\n";
  CHECK(check(*parse(stages, "f")).ok());
}

TEST_CASE("ten megabytes of long instructions parse and lint", "[dockerfile][bounds]") {
  Soon soon;
  std::string run = "RUN " + repeated("x", 1'000) + "\n";
  auto file = parse("FROM a\n" + repeated(run, 9'900), "f");
  REQUIRE(file.ok());
  CHECK(check(*file).ok());
}
