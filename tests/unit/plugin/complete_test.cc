#include "plugin/complete.h"

#include "plugin/cli.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::plugin;
using Words = std::vector<std::string>;

TEST_CASE("commands, flags, values and names complete where they fit") {
  Cli cli;
  NameQuery asked;
  const NamesFor names = [&](const NameQuery& query) {
    asked = query;
    return Words{"api", "web", "worker"};
  };
  const auto found = [&](const Words& words) { return complete(cli.app(), words, names); };
  CHECK(found({"re"}) == Words{"rebuild", "resume"});
  CHECK(found({"sizes", "w"}) == Words{"web", "worker"});
  CHECK(found({"-n", "shop", "why", "--context=dev", ""}) == Words{"api", "web", "worker"});
  CHECK(asked.name_space == "shop");
  CHECK(asked.context == "dev");
  CHECK(found({"sizes", "web", "-o", ""}) == Words{"json", "table", "yaml"});
  CHECK(found({"list", "--sort", "d"}) == Words{"delta"});
  CHECK(found({"logs", "--fo"}) == Words{"--follow"});
  CHECK(found({"logs", "-f", "w"}) == Words{"web", "worker"});
  CHECK(found({"list", ""}).empty());
  CHECK(found({"sizes", "web", ""}).empty());
  CHECK(found({"completion", "z"}) == Words{"zsh"});
  CHECK(found({"nonsense", ""}).empty());
}

TEST_CASE("flags of the connection may stand before and after the command") {
  for (const char* line : {"-n shop sizes web", "sizes web -n shop", "sizes -n shop web -o json"}) {
    INFO(line);
    Cli cli;
    cli.app().parse(line, false);
    CHECK(cli.connection().name_space == "shop");
    CHECK(static_cast<bool>(cli.command()));
  }
}

TEST_CASE("a command line that makes no sense is refused") {
  for (const char* line : {"sizes", "sizes web -o xml", "sizes web extra", "frobnicate", "diff",
                           "build .", "logs web --tail -1", "completion csh"}) {
    INFO(line);
    Cli cli;
    CHECK_THROWS_AS(cli.app().parse(line, false), CLI::ParseError);
  }
}

TEST_CASE("there is a script for each shell, and each calls the program itself") {
  for (const char* shell : {"bash", "zsh", "fish"})
    CHECK(completion_script(shell).find("kubectl-imagebuild __complete") != std::string::npos);
}
