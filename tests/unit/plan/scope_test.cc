#include "builder/plan/scope.h"

#include "tests/support/catch.h"

using namespace imagebuild::plan;
using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST_CASE("ENV wins over ARG, and an ARG is seen from its line on") {
  std::map<std::string, std::string> global{{"G", "global"}},
      build{{"B", "built"}, {"http_proxy", "p"}};
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
  scope.set_env("D", "env");
  CHECK(scope.find("D") == "env");
  scope.declare_arg("D", "again");
  CHECK(scope.find("D") == "env");
  CHECK(scope.visible_args() == Pairs{{"B", "built"}, {"G", "global"}});
  CHECK(scope.hidden_args() == Pairs{{"http_proxy", "p"}});
}

TEST_CASE("declaring an ARG again without a default keeps its value") {
  std::map<std::string, std::string> none;
  Scope scope(none, none);
  scope.declare_arg("A", "1");
  scope.declare_arg("A", std::nullopt);
  CHECK(scope.find("A") == "1");
}
