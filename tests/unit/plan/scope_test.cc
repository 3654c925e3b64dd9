#include "builder/plan/scope.h"

#include "builder/dockerfile/dockerfile.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::plan;
using Pairs = std::vector<std::pair<std::string, std::string>>;
using Values = std::map<std::string, std::string>;

namespace {

const Values kNone;

/// The ARG instruction of that line.
dockerfile::Arg arg(const std::string& line) {
  auto file = dockerfile::parse("FROM scratch\n" + line + "\n", "Dockerfile");
  REQUIRE(file.ok());
  return *file->stages[0].instructions[0].get_if<dockerfile::Arg>();
}

}  // namespace

TEST_CASE("an ARG is seen from its line on, with the value that counts") {
  Values global{{"G", "global"}}, build{{"B", "built"}, {"http_proxy", "p"}};
  Scope scope(global, build);
  CHECK_FALSE(scope.find("G"));
  CHECK_FALSE(scope.find("B"));
  scope.declare_arg("G", std::nullopt);
  scope.declare_arg("B", "default");
  scope.declare_arg("D", "default");
  scope.declare_arg("N", std::nullopt);
  CHECK(scope.find("G") == "global");
  CHECK(scope.find("B") == "built");
  CHECK(scope.find("D") == "default");
  CHECK_FALSE(scope.find("N"));
  CHECK(scope.visible_args() == Pairs{{"G", "global"}, {"B", "built"}, {"D", "default"}});
  CHECK(scope.hidden_args() == Pairs{{"http_proxy", "p"}});
  scope.declare_arg("http_proxy", std::nullopt);
  CHECK(scope.hidden_args().empty());
  CHECK(scope.find("http_proxy") == "p");
}

TEST_CASE("of ENV and ARG the later one counts") {
  Scope scope(kNone, kNone);
  scope.declare_arg("A", "arg");
  scope.set_env("A", "env");
  CHECK(scope.find("A") == "env");
  CHECK(scope.visible_args() == Pairs{{"A", "env"}});
  scope.declare_arg("A", std::nullopt);
  CHECK(scope.find("A") == "env");
  scope.declare_arg("A", "again");
  CHECK(scope.find("A") == "again");
  CHECK(scope.visible_args() == Pairs{{"A", "again"}});
  scope.set_env("A", "last");
  CHECK(scope.find("A") == "last");
}

TEST_CASE("declaring an ARG again without a default keeps its value") {
  Scope scope(kNone, kNone);
  scope.declare_arg("A", "1");
  scope.declare_arg("A", std::nullopt);
  CHECK(scope.find("A") == "1");
}

TEST_CASE("definitions of one ARG see those before them, an ENV's do not") {
  Values build{{"C", "passed"}};
  Scope scope(kNone, build);
  REQUIRE(scope.declare(arg("ARG A=1 B=$A-2 C=3 D=\"$C $B\" E"), '\\').ok());
  CHECK(scope.visible_args() ==
        Pairs{{"A", "1"}, {"B", "1-2"}, {"C", "passed"}, {"D", "passed 1-2"}});
}

TEST_CASE("a default that is not needed is not expanded") {
  Values build{{"A", "x"}};
  CHECK(Scope(kNone, build).declare(arg("ARG A=${NOPE:?missing}"), '\\').ok());
  auto missing = Scope(kNone, kNone).declare(arg("ARG A=${NOPE:?missing}"), '\\');
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message.find("A: ") == 0);
  CHECK(missing.error().message.find("NOPE: missing") != std::string::npos);
}

TEST_CASE("a stage on a stage has its ARGs, and an empty value is a value") {
  Scope base(kNone, kNone);
  base.declare_arg("A", "");
  base.declare_arg("B", "arg");
  base.set_env("B", "env");
  Scope scope(kNone, kNone);
  scope.declare_arg("Z", "z");
  scope.inherit(base);
  CHECK(scope.find("A") == "");
  CHECK(scope.find("B") == "env");
  CHECK(scope.visible_args() == Pairs{{"Z", "z"}, {"A", ""}, {"B", "env"}});
}
