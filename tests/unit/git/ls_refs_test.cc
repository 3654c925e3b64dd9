#include "common/git/ls_refs.h"

#include "tests/support/catch.h"
#include "tests/support/fake_git/fake_git.h"

using namespace imagebuild;
using namespace imagebuild::git;
using imagebuild::testing::FakeGit;
using imagebuild::testing::ServerRequest;
using imagebuild::testing::TestServer;

namespace {

struct Fixture {
  std::unique_ptr<http::Transport> transport = http::make_transport();
  FakeGit server;
  std::string first = server.commit({{"Dockerfile", "FROM scratch\n"}});
  std::string second = server.commit({{"a", "1"}});

  Fixture() {
    server.git("tag light HEAD~1");
    server.git("tag -a -m x annotated HEAD~1");
    server.git("branch feature/x HEAD~1");
  }
  Result<RemoteRef> ask(const RefSelector& selector,
                        std::optional<Credentials> credentials = std::nullopt,
                        std::string url = "") {
    return resolve(*transport, url.empty() ? server.url() : url, selector, credentials);
  }
};

ErrorKind kind_of(const Result<RemoteRef>& result) {
  REQUIRE_FALSE(result.ok());
  return result.error().kind;
}

}  // namespace

TEST_CASE("branches, tags and HEAD resolve, with and without protocol v2", "[git]") {
  Fixture git;
  for (bool v2 : {true, false}) {
    git.server.behave({.protocol_v2 = v2});
    INFO("v2: " << v2);
    auto head = git.ask({});
    REQUIRE(head.ok());
    CHECK(head->commit == git.second);
    CHECK(head->name == "refs/heads/main");
    CHECK(head->revision() == "main@sha1:" + git.second);
    CHECK(git.ask({.branch = "feature/x"})->commit == git.first);
    CHECK(git.ask({.branch = "feature/x"})->revision() == "feature/x@sha1:" + git.first);
    CHECK(git.ask({.tag = "light"})->commit == git.first);
    CHECK(git.ask({.tag = "annotated"})->commit == git.first);  // the commit, not the tag object
    auto missing = git.ask({.branch = "feature"});
    CHECK(kind_of(missing) == ErrorKind::NotFound);
    CHECK_THAT(missing.error().message, Catch::Matchers::Contains("there is no branch feature"));
    CHECK(kind_of(git.ask({.tag = "none"})) == ErrorKind::NotFound);
  }
}

TEST_CASE("protocol v2 asks for one ref only", "[git]") {
  Fixture git;
  REQUIRE(git.ask({.branch = "main"}).ok());
  CHECK(git.server.requests() ==
        std::vector<std::string>{"GET /repo.git/info/refs", "POST /repo.git/git-upload-pack"});
}

TEST_CASE("a commit needs no network, and must be a whole hash", "[git]") {
  auto transport = http::make_transport();
  std::string commit(40, 'a');
  CHECK(resolve(*transport, "http://127.0.0.1:1/x", {.commit = commit})->commit == commit);
  CHECK(kind_of(resolve(*transport, "http://127.0.0.1:1/x", {.commit = "abc"})) ==
        ErrorKind::InvalidInput);
  CHECK(is_object_name(std::string(64, '0')));
  CHECK_FALSE(is_object_name(std::string(40, 'A')));
}

TEST_CASE("credentials are sent, and wrong ones are Denied", "[git]") {
  Fixture git;
  git.server.behave({.user = "me", .password = "s:ecret"});
  CHECK(git.ask({}, Credentials{"me", "s:ecret"}).ok());
  CHECK(kind_of(git.ask({}, Credentials{"me", "wrong"})) == ErrorKind::Denied);
  CHECK(kind_of(git.ask({})) == ErrorKind::Denied);
}

TEST_CASE("redirects are followed, credentials stay on their host", "[git]") {
  Fixture git;
  FakeGit other;
  std::string commit = other.commit({{"b", "2"}});
  git.server.behave({.redirect_to = other.origin()});
  auto result = git.ask({}, Credentials{"me", "secret"});
  REQUIRE(result.ok());
  CHECK(result->commit == commit);
  CHECK(git.server.authorizations().size() == 1);
  CHECK(other.authorizations().empty());

  git.server.behave({.user = "me", .password = "x", .only_dot_git = true});
  CHECK(git.ask({}, Credentials{"me", "x"}, git.server.origin() + "/repo").ok());

  git.server.behave({.redirect_to = git.server.origin()});
  auto loop = git.ask({});
  CHECK(kind_of(loop) == ErrorKind::InvalidInput);
  CHECK_THAT(loop.error().message, Catch::Matchers::Contains("more than 5 redirects"));
}

TEST_CASE("statuses become kinds", "[git]") {
  Fixture git;
  struct Row {
    int status;
    ErrorKind kind;
  };
  for (const Row& row :
       {Row{401, ErrorKind::Denied}, Row{403, ErrorKind::Denied}, Row{404, ErrorKind::NotFound},
        Row{410, ErrorKind::NotFound}, Row{429, ErrorKind::Transient},
        Row{500, ErrorKind::Transient}, Row{503, ErrorKind::Transient},
        Row{400, ErrorKind::InvalidInput}, Row{301, ErrorKind::InvalidInput}}) {
    git.server.behave({.status = row.status});
    INFO(row.status);
    CHECK(kind_of(git.ask({})) == row.kind);
  }
  git.server.behave({});
  CHECK(kind_of(git.ask({}, std::nullopt, git.server.origin() + "/nothing.git")) ==
        ErrorKind::NotFound);
  CHECK(kind_of(git.ask({}, std::nullopt, "http://127.0.0.1:1/repo.git")) == ErrorKind::Transient);
  git.server.behave({.cut_body = true});
  CHECK(kind_of(git.ask({})) == ErrorKind::Transient);
}

TEST_CASE("addresses that make no sense are refused before any request", "[git]") {
  Fixture git;
  for (const char* url :
       {"ssh://git@host/x", "file:///etc", "not a url", "http://169.254.169.254/x.git",
        "http://[fe80::1]/x.git", "https://me:pw@host/x.git"}) {
    INFO(url);
    CHECK(kind_of(git.ask({}, std::nullopt, url)) == ErrorKind::InvalidInput);
  }
  git.server.behave({.redirect_to = "http://169.254.169.254"});
  CHECK(kind_of(git.ask({})) == ErrorKind::InvalidInput);
  CHECK(kind_of(git.ask({.branch = "a\nb"})) == ErrorKind::InvalidInput);
}

TEST_CASE("an empty repository has no default branch", "[git]") {
  auto transport = http::make_transport();
  FakeGit server;
  for (bool v2 : {true, false}) {
    server.behave({.protocol_v2 = v2});
    auto result = resolve(*transport, server.url(), {});
    CHECK(kind_of(result) == ErrorKind::NotFound);
    CHECK_THAT(result.error().message, Catch::Matchers::Contains("is it empty?"));
  }
}

TEST_CASE("answers that are no git are refused", "[git]") {
  auto transport = http::make_transport();
  struct Row {
    std::string type, body, part;
  };
  const std::string git_type = "application/x-git-upload-pack-advertisement";
  for (const Row& row :
       {Row{"text/html", "<html>", "not as a git server"}, Row{git_type, "<html>", "no pkt-line"},
        Row{git_type, "001e# service=git-upload-pack\n0000000bgarbage", "expected a ref"},
        Row{git_type, "001e# service=git-upload-pack\n0000ffff", "cut short"},
        Row{git_type, "000fERR go away", "the server says: go away"}}) {
    TestServer server([&](const ServerRequest&) {
      return testing::ServerResponse{.headers = {{"Content-Type", row.type}}, .body = row.body};
    });
    auto result = resolve(*transport, server.origin() + "/r", {});
    REQUIRE_FALSE(result.ok());
    CHECK_THAT(result.error().message, Catch::Matchers::Contains(row.part));
  }
}

TEST_CASE("an endless list of refs is cut off at its bound", "[git]") {
  auto transport = http::make_transport();
  TestServer server([](const ServerRequest&) {
    testing::ServerResponse response{
        .headers = {{"Content-Type", "application/x-git-upload-pack-advertisement"}}};
    response.stream = [](const std::atomic<bool>&) {
      return std::optional(std::string(1u << 20, '0'));
    };
    return response;
  });
  auto result = resolve(*transport, server.origin() + "/r", {});
  CHECK(kind_of(result) == ErrorKind::InvalidInput);
}
