#include "builder/executor/commands.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::executor;
using Words = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST_CASE(
    "a command in shell form stands behind the stage's shell, one in exec form stands alone") {
  oci::ContainerConfig plain, powershell;
  powershell.shell = {"pwsh", "-Command"};
  struct Row {
    dockerfile::CommandLine command;
    const oci::ContainerConfig& config;
    Words argv;
  };
  const Row rows[] = {
      {{.shell_form = true, .argv = {"a  b"}}, plain, {"/bin/sh", "-c", "a  b"}},
      {{.shell_form = true, .argv = {"a b"}}, powershell, {"pwsh", "-Command", "a b"}},
      {{.shell_form = false, .argv = {"/a", "b c"}}, plain, {"/a", "b c"}},
      {{.shell_form = false, .argv = {"/a", "b c"}}, powershell, {"/a", "b c"}},
  };
  for (const auto& row : rows) CHECK(command_argv(row.command, row.config) == row.argv);
}

TEST_CASE("RUN's environment: PATH, then ENV, then ARG, and HOME only if nothing set it") {
  const std::string path = "PATH=" + std::string(kDefaultPath);
  struct Row {
    Words env;
    Pairs args;
    Words expected;
  };
  const Row rows[] = {
      {{}, {}, {path, "HOME=/home/n"}},
      {{"A=env"}, {{"A", "arg"}, {"B", "b=c"}}, {path, "A=arg", "B=b=c", "HOME=/home/n"}},
      {{"PATH=/opt"}, {}, {"PATH=/opt", "HOME=/home/n"}},
      {{"HOME=/x"}, {}, {path, "HOME=/x"}},
      {{"HOME="}, {}, {path, "HOME="}},
      {{}, {{"HOME", "/arg"}}, {path, "HOME=/arg"}},
      {{"BARE"}, {}, {path, "BARE=", "HOME=/home/n"}},
  };
  for (const auto& row : rows) {
    oci::ContainerConfig config;
    config.env = row.env;
    CHECK(run_environment(config, row.args, "/home/n") == row.expected);
    CHECK(config.env == row.env);
  }
}

TEST_CASE("a path is joined to WORKDIR and cleaned, and never leaves the root") {
  struct Row {
    const char *path, *working_dir, *expected;
  };
  const Row rows[] = {
      {"", "", "/"},
      {".", "/", "/"},
      {"a", "", "/a"},
      {"a", "/w", "/w/a"},
      {"a/", "/w/", "/w/a"},
      {"/a", "/w", "/a"},
      {"../a", "/w/x", "/w/a"},
      {"../../../a", "/w", "/a"},
      {"//a//b/", "/w", "/a/b"},
      {"a/./b/..", "/", "/a"},
      {"..", "/", "/"},
      {"...", "/w", "/w/..."},
      {"/..", "/w", "/"},
      {"", "/w/", "/w"},
  };
  for (const auto& row : rows) {
    INFO(row.path << " in " << row.working_dir);
    CHECK(absolute_path(row.path, row.working_dir) == row.expected);
  }
}

TEST_CASE("what is written as a directory") {
  for (const char* path : {"/", "a/", ".", "..", "a/.", "a/..", "./"}) {
    INFO(path);
    CHECK(names_directory(path));
  }
  for (const char* path : {"", "a", "/a", "a.", "a..", ".a", "/a/b", "..."}) {
    INFO(path);
    CHECK_FALSE(names_directory(path));
  }
}

TEST_CASE("the history of a RUN counts the arguments that it saw") {
  CHECK(run_history({"/bin/sh", "-c", "npm ci"}, {}) == "RUN /bin/sh -c npm ci");
  CHECK(run_history({"/bin/sh", "-c", "npm ci"}, {{"A", "1"}, {"B", ""}}) ==
        "RUN |2 A=1 B= /bin/sh -c npm ci");
}

TEST_CASE("HEALTHCHECK as the config has it") {
  using std::chrono::seconds;
  CHECK(make_healthcheck({.none = true}).test == Words{"NONE"});
  CHECK(make_healthcheck({.test = {.shell_form = true, .argv = {"curl -f x"}}}).test ==
        Words{"CMD-SHELL", "curl -f x"});
  auto check = make_healthcheck({.test = {.shell_form = false, .argv = {"/c", "x"}},
                                 .interval = seconds(1),
                                 .timeout = seconds(2),
                                 .start_period = seconds(3),
                                 .start_interval = seconds(4),
                                 .retries = 5});
  CHECK(check == oci::Healthcheck{.test = {"CMD", "/c", "x"},
                                  .interval = 1'000'000'000,
                                  .timeout = 2'000'000'000,
                                  .start_period = 3'000'000'000,
                                  .start_interval = 4'000'000'000,
                                  .retries = 5});
}

TEST_CASE("EXPOSE's ports are expanded, tcp if nothing else is said") {
  const std::pair<const char*, Words> good[] = {
      {"80", {"80/tcp"}},
      {"53/UDP", {"53/udp"}},
      {"1/sctp", {"1/sctp"}},
      {"65535", {"65535/tcp"}},
      {"8000-8002/udp", {"8000/udp", "8001/udp", "8002/udp"}},
      {"7-7", {"7/tcp"}},
  };
  for (const auto& [text, ports] : good) {
    INFO(text);
    auto expanded = expand_ports(text);
    REQUIRE(expanded.ok());
    CHECK(*expanded == ports);
  }
  for (const char* text : {"", "0", "65536", "80/", "80/http", "/tcp", "-80", "80-", "90-80",
                           "1-2-3", "80 ", "x", "80/tcp/udp"}) {
    INFO(text);
    auto expanded = expand_ports(text);
    REQUIRE_FALSE(expanded.ok());
    CHECK(expanded.error().kind == ErrorKind::InvalidInput);
  }
}
