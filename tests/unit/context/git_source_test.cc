#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "builder/context/context.h"
#include "tests/support/catch.h"
#include "tests/support/fake_git/fake_git.h"

using namespace imagebuild;
using namespace imagebuild::context;
using imagebuild::testing::FakeGit;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  FakeGit server;
  std::string first = server.commit({{"Dockerfile", "FROM one\n"},
                                     {"svc/Dockerfile", "FROM svc\n"},
                                     {"svc/a", "1"},
                                     {"link", "->/etc/hostname"}});
  std::string second = server.commit({{"Dockerfile", "FROM two\n"}});

  Fixture() {
    server.git("tag -a -m x v1 HEAD~1");
    server.git("branch other HEAD~1");
  }
  Result<Context> clone(GitSource source) {
    if (source.url.empty()) source.url = server.url();
    return clone_git(source);
  }
};

ErrorKind kind_of(const Result<Context>& result) {
  REQUIRE_FALSE(result.ok());
  INFO(result.error().message);
  return result.error().kind;
}

}  // namespace

TEST_CASE("the default branch is cloned with its revision and time", "[context][git]") {
  Fixture git;
  std::string path;
  {
    auto context = git.clone({});
    if (!context) FAIL(context.error().message);
    CHECK(context->dockerfile().text == "FROM two\n");
    CHECK(context->source().commit == git.second);
    CHECK(context->source().revision == "main@sha1:" + git.second);
    CHECK(context->source().commit_time == 1'700'000'002);
    CHECK(context->source().tree == git.server.git("rev-parse HEAD^{tree}"));
    CHECK_FALSE(context->source().dirty);
    path = context->path();
    CHECK_FALSE(fs::exists(path + "/.git"));
    struct stat status {};
    REQUIRE(::stat((path + "/svc/a").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0644);
    CHECK(fs::is_symlink(path + "/link"));
    CHECK_FALSE(context->open("link", O_RDONLY).ok());
  }
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("branch, tag, commit and a ref of unknown kind", "[context][git]") {
  Fixture git;
  struct Row {
    GitSource source;
    std::string commit, revision;
  };
  for (const Row& row :
       {Row{{.branch = "other"}, git.first, "other@sha1:" + git.first},
        Row{{.tag = "v1"}, git.first, "v1@sha1:" + git.first},
        Row{{.commit = git.first}, git.first, "HEAD@sha1:" + git.first},
        Row{{.branch = "main", .commit = git.first}, git.first, "main@sha1:" + git.first},
        Row{{.ref = "other"}, git.first, "other@sha1:" + git.first},
        Row{{.ref = "v1"}, git.first, "v1@sha1:" + git.first},
        Row{{.ref = git.second}, git.second, "HEAD@sha1:" + git.second}}) {
    INFO(row.revision);
    auto context = git.clone(row.source);
    if (!context) FAIL(context.error().message);
    CHECK(context->source().commit == row.commit);
    CHECK(context->source().revision == row.revision);
  }
}

TEST_CASE("a commit that the server does not hand out alone is found in the history",
          "[context][git]") {
  Fixture git;
  git.server.commit({{"x", "y"}});
  git.server.git("branch -D other");
  git.server.behave({.protocol_v2 = false, .any_commit = false});
  auto context = git.clone({.commit = git.second});
  if (!context) FAIL(context.error().message);
  CHECK(context->source().commit == git.second);
}

TEST_CASE("a sub-directory is the root and has its own tree", "[context][git]") {
  Fixture git;
  auto context = git.clone({.sub_path = "svc"});
  if (!context) FAIL(context.error().message);
  CHECK(context->dockerfile().text == "FROM svc\n");
  CHECK(context->source().tree == git.server.git("rev-parse HEAD:svc"));
  CHECK_FALSE(context->open("../svc/Dockerfile", O_RDONLY).ok());
}

TEST_CASE("what is missing is NotFound and named", "[context][git]") {
  Fixture git;
  struct Row {
    GitSource source;
    const char* part;
  };
  for (const Row& row :
       {Row{{.branch = "none"}, "branch none"}, Row{{.tag = "none"}, "tag none"},
        Row{{.ref = "none"}, "ref none"}, Row{{.commit = std::string(40, 'a')}, "commit aaaa"},
        Row{{.sub_path = "none"}, "there is no directory none"},
        Row{{.sub_path = "svc/a"}, "svc/a is not a directory"},
        Row{{.dockerfile = "None"}, "no None in http://"},
        Row{{.url = git.server.origin() + "/nothing.git"}, "nothing.git"}}) {
    INFO(row.part);
    auto result = git.clone(row.source);
    CHECK(kind_of(result) == ErrorKind::NotFound);
    CHECK_THAT(result.error().message, Catch::Matchers::Contains(row.part));
    CHECK(result.error().message.find('\n') == std::string::npos);
  }
}

TEST_CASE("names that could be options or paths are refused", "[context][git]") {
  Fixture git;
  for (const GitSource& source :
       {GitSource{.branch = "--upload-pack=touch /tmp/x"}, GitSource{.tag = "a b"},
        GitSource{.ref = "a..b"}, GitSource{.commit = "HEAD"}, GitSource{.sub_path = "../x"},
        GitSource{.dockerfile = "/etc/passwd"}, GitSource{.url = "file:///etc"},
        GitSource{.url = "ext::sh -c true"}, GitSource{.url = "http://user:pw@127.0.0.1/x"}}) {
    CHECK(kind_of(git.clone(source)) == ErrorKind::InvalidInput);
  }
}

TEST_CASE("credentials open a private repository and stay on its host", "[context][git]") {
  Fixture git;
  git.server.behave({.user = "me", .password = "s3cret"});
  CHECK(kind_of(git.clone({})) == ErrorKind::Denied);
  CHECK(kind_of(git.clone({.credentials = GitCredentials{"me", "wrong"}})) == ErrorKind::Denied);
  CHECK(git.clone({.credentials = GitCredentials{"me", "s3cret"}}).ok());

  git.server.behave({.user = "me", .password = "s3cret", .only_dot_git = true});
  auto redirected = git.clone(
      {.url = git.server.origin() + "/repo", .credentials = GitCredentials{"me", "s3cret"}});
  if (!redirected) FAIL(redirected.error().message);

  FakeGit other;
  other.commit({{"Dockerfile", "FROM x"}});
  git.server.behave({.redirect_to = other.origin()});
  CHECK(kind_of(git.clone({.credentials = GitCredentials{"me", "s3cret"}})) ==
        ErrorKind::InvalidInput);
  CHECK(other.authorizations().empty());
  CHECK(git.clone({}).ok());  // without credentials a redirect is harmless
}

TEST_CASE("trouble of network and server is Transient", "[context][git]") {
  Fixture git;
  CHECK(kind_of(git.clone({.url = "http://127.0.0.1:1/repo.git"})) == ErrorKind::Transient);
  for (int status : {429, 500, 503}) {
    git.server.behave({.status = status});
    CHECK(kind_of(git.clone({})) == ErrorKind::Transient);
  }
  git.server.behave({.status = 403});
  CHECK(kind_of(git.clone({})) == ErrorKind::Denied);
}

TEST_CASE("a stop request ends a clone", "[context][git]") {
  Fixture git;
  std::stop_source stop;
  stop.request_stop();
  auto result = clone_git({.url = git.server.url()}, stop.get_token());
  CHECK(kind_of(result) == ErrorKind::Canceled);
}

TEST_CASE("hooks and filters of a repository do not run", "[context][git]") {
  Fixture git;
  fs::path mark = fs::temp_directory_path() / ("imagebuild-hook-" + std::to_string(::getpid()));
  git.server.commit(
      {{".gitattributes", "* filter=evil\n"},
       {".git-hooks/post-checkout", "#!/bin/sh\ntouch " + mark.string() + "\n"},
       {".gitmodules", "[submodule \"x\"]\n\tpath = x\n\turl = " + git.server.url() + "\n"}});
  CHECK(git.clone({}).ok());
  CHECK_FALSE(fs::exists(mark));
}

TEST_CASE("a work tree on this machine reports commit, tree and changes", "[context][git]") {
  Fixture git;
  std::string path = git.server.work_tree();
  auto clean = open_directory({path, ""});
  REQUIRE(clean.ok());
  CHECK(clean->source().revision == "main@sha1:" + git.second);
  CHECK(clean->source().commit_time == 1'700'000'002);
  CHECK(clean->source().tree == git.server.git("rev-parse HEAD^{tree}"));
  CHECK_FALSE(clean->source().dirty);
  std::ofstream(path + "/svc/a") << "changed";
  CHECK(open_directory({path, ""})->source().dirty);
  CHECK(open_directory({path + "/svc", ""})->source().dirty);
}

TEST_CASE("git URLs are told from other contexts", "[context][git]") {
  auto url = parse_git_url("https://host/a/b.git#v1:sub/dir");
  REQUIRE(url.has_value());
  CHECK(url->url == "https://host/a/b.git");
  CHECK(url->ref == "v1");
  CHECK(url->sub_path == "sub/dir");
  CHECK(parse_git_url("http://host/a.git")->ref.empty());
  CHECK(parse_git_url("http://host/a.git#:d")->sub_path == "d");
  for (const char* other :
       {".", "/a.git", "https://host/a.tar.gz", "git@host:a.git", "ssh://host/a.git"})
    CHECK_FALSE(parse_git_url(other).has_value());
}
