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

TEST_CASE("a checkout for ADD: the checksum holds, .git stays where it is wanted",
          "[context][git]") {
  Fixture git;
  auto check_out = [&](GitSource source) {
    source.url = git.server.url();
    return check_out_git(source);
  };
  {
    auto plain = check_out({.ref = "v1", .sub_path = "svc", .checksum = git.first.substr(0, 7)});
    if (!plain) FAIL(plain.error().message);
    CHECK(plain->source().commit == git.first);
    CHECK(::faccessat(plain->root(), "a", F_OK, 0) == 0);
    CHECK(::faccessat(plain->root(), ".git", F_OK, 0) != 0);
  }
  auto kept = check_out({.checksum = git.first, .keep_git_directory = true});
  if (!kept) FAIL(kept.error().message);
  CHECK(kept->source().commit == git.first);
  const std::string tree = "/proc/self/fd/" + std::to_string(kept->root());
  const std::string kept_tree = fs::read_symlink(tree).string();
  CHECK(fs::exists(kept_tree + "/.git/HEAD"));
  CHECK(git.server.git("-C " + kept_tree + " status --porcelain").empty());
  auto other = check_out({.branch = "main", .checksum = "0123"});
  REQUIRE_FALSE(other.ok());
  CHECK(other.error().kind == ErrorKind::InvalidInput);
  CHECK(other.error().message == "git " + git.server.url() + ": branch main: the commit is " +
                                     git.second + ", the checksum 0123");
  CHECK(kind_of(git.clone({.keep_git_directory = true})) == ErrorKind::InvalidInput);
}

TEST_CASE("submodules are fetched, unless they are not wanted", "[context][git]") {
  Fixture git;
  FakeGit library;
  library.commit({{"lib.c", "int x;"}});
  git.server.git("submodule add -q " + library.url() + " third/lib");
  git.server.git("commit -q -m submodule");
  auto context = git.clone({});
  if (!context) FAIL(context.error().message);
  CHECK(fs::exists(context->path() + "/third/lib/lib.c"));
  CHECK_FALSE(fs::exists(context->path() + "/third/lib/.git"));
  auto without = git.clone({.submodules = false});
  if (!without) FAIL(without.error().message);
  CHECK_FALSE(fs::exists(without->path() + "/third/lib/lib.c"));
}

TEST_CASE("git URLs are told from other contexts", "[context][git]") {
  auto url = parse_git_url("https://host/a/b.git#v1:sub/dir");
  REQUIRE(url.ok());
  REQUIRE(url->has_value());
  CHECK((*url)->url == "https://host/a/b.git");
  CHECK((*url)->ref == "v1");
  CHECK((*url)->sub_path == "sub/dir");
  CHECK((*parse_git_url("http://host/a.git"))->ref.empty());
  CHECK((*parse_git_url("http://host/a.git#:d"))->sub_path == "d");
  for (const char* other : {".", "/a.git", "https://host/a.tar.gz", "git@host:a.git",
                            "ssh://host/a.git", "https://host/a?b=c.git"}) {
    auto parsed = parse_git_url(other);
    REQUIRE(parsed.ok());
    CHECK_FALSE(parsed->has_value());
  }
}

TEST_CASE("a git URL's query says what its fragment can, and more", "[context][git]") {
  auto source = [](const char* text) {
    auto parsed = parse_git_url(text);
    INFO(text);
    REQUIRE(parsed.ok());
    REQUIRE(parsed->has_value());
    return **parsed;
  };
  auto url =
      source("https://u%40x:p%3A@host/a.git?branch=a%2Fb&subdir=/d/&keep-git-dir&mtime=commit");
  CHECK(url.url == "https://host/a.git");
  REQUIRE(url.credentials.has_value());
  CHECK(url.credentials->username == "u@x");
  CHECK(url.credentials->password == "p:");
  CHECK(url.branch == "a/b");
  CHECK(url.sub_path == "d");
  CHECK(url.keep_git_directory == true);
  CHECK(url.commit_mtime);
  CHECK(url.submodules);
  CHECK(source("https://host/a.git?tag=v1&commit=abc").tag == "v1");
  CHECK(source("https://host/a.git?tag=v1&commit=abc").checksum == "abc");
  CHECK(source("https://host/a.git?ref=v1#v1").ref == "v1");
  CHECK_FALSE(source("https://host/a.git?submodules=false").submodules);
  CHECK(source("https://host/a.git?keep-git-dir=0").keep_git_directory == false);
  for (const char* bad :
       {"https://host/a.git?brnch=x", "https://host/a.git?branch=", "https://host/a.git?branch",
        "https://host/a.git?branch=a&branch=b", "https://host/a.git?branch=a&tag=b",
        "https://host/a.git?branch=a#b", "https://host/a.git?ref=a#b",
        "https://host/a.git?subdir=a#:b", "https://host/a.git?submodules=maybe",
        "https://user:secret@host/a.git?mtime=now"}) {
    auto parsed = parse_git_url(bad);
    INFO(bad);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().kind == ErrorKind::InvalidInput);
    CHECK(parsed.error().message.starts_with("git https://host/a.git: "));
  }
}
