#include "builder/layer/copy.h"

#include "tests/support/archives.h"
#include "tests/unit/layer/tree.h"

using namespace imagebuild;
using namespace imagebuild::testing;

namespace {

struct Copied {
  Entries entries;
  CopySummary summary;

  std::string names() const {
    std::string text;
    for (const auto& [entry, content] : entries) text += (text.empty() ? "" : " ") + entry.path;
    return text;
  }
  const TarEntry& at(const std::string& path) const {
    for (const auto& [entry, content] : entries)
      if (entry.path == path) return entry;
    FAIL("no entry " << path << " among " << names());
    std::abort();
  }
};

Result<Copied> copy(const Tree& tree, const CopyRequest& request, const CopyHooks& hooks = {}) {
  std::string bytes;
  TarWriter tar([&](std::string_view part) -> Result<void> {
    bytes += part;
    return {};
  });
  Copied copied;
  copied.summary = TRY(copy_to_tar(tree.fd(), request, hooks, tar));
  TRY(tar.finish());
  copied.entries = TRY(read_tar(bytes));
  return copied;
}

CopyDestination missing(std::string path) { return {.path = std::move(path)}; }
CopyDestination directory(std::string path) {
  return {.path = std::move(path), .kind = DestinationKind::Directory};
}
CopyDestination slash(std::string path) {
  return {.path = std::move(path), .trailing_slash = true};
}

std::string names(const Tree& tree, const CopyRequest& request, const CopyHooks& hooks = {}) {
  auto copied = copy(tree, request, hooks);
  return copied.ok() ? copied->names()
                     : std::string(to_string(copied.error().kind)) + ": " + copied.error().message;
}

}  // namespace

TEST_CASE("where COPY puts things") {
  Tree tree;
  tree.file("package.json", "{}")
      .file("package-lock.json", "{}")
      .file("src/a.js", "a")
      .file("src/lib/b.js", "b")
      .dir("empty");
  struct Row {
    std::vector<std::string> sources;
    CopyDestination to;
    const char* names;
  };
  for (const Row& row : {
           Row{{"package.json"}, missing("/app/p.json"), "app/p.json"},
           {{"package.json"}, slash("/app"), "app app/package.json"},
           {{"package.json"}, directory("/app"), "app/package.json"},
           {{"./package.json"}, directory("/"), "package.json"},
           {{"/package.json"}, directory("/"), "package.json"},
           {{"../../package.json"}, directory("/"), "package.json"},
           {{"src"}, directory("/app"), "app/a.js app/lib app/lib/b.js"},
           {{"src/"}, missing("/app"), "app app/a.js app/lib app/lib/b.js"},
           {{"."},
            directory("/app"),
            "app/empty app/package-lock.json app/package.json app/src app/src/a.js app/src/lib "
            "app/src/lib/b.js"},
           {{"package*.json"}, slash("/app"), "app app/package-lock.json app/package.json"},
           {{"package.json", "src"},
            directory("/app"),
            "app/a.js app/lib app/lib/b.js app/package.json"},
           {{"src/*.js"}, directory("/app"), "app/a.js"},
           {{"s?c"}, directory("/app"), "app/a.js app/lib app/lib/b.js"},
           {{"*/lib"}, directory("/app"), "app/b.js"},
           {{"empty"}, missing("/e"), "e"},
       }) {
    INFO(row.sources[0] << " to " << row.to.path);
    CHECK(names(tree, {.sources = row.sources, .destination = row.to}) == row.names);
  }
}

TEST_CASE("what COPY refuses") {
  Tree tree;
  tree.file("a", "").file("b", "").dir("d").link("dangling", "nowhere").file("w/.wh.a", "");
  struct Row {
    std::vector<std::string> sources;
    CopyDestination to;
    ErrorKind kind;
    const char* message;
  };
  for (const Row& row : {
           Row{{"nope"}, missing("/x"), ErrorKind::NotFound, "nope: not found"},
           {{"dangling"}, missing("/x"), ErrorKind::NotFound, "dangling: not found"},
           {{"a", "b"},
            missing("/x"),
            ErrorKind::InvalidInput,
            "several sources: the destination /x must be a directory and end with /"},
           {{"[ab]"},
            missing("/x"),
            ErrorKind::InvalidInput,
            "several sources: the destination /x must be a directory and end with /"},
           {{"d"},
            {.path = "/f", .kind = DestinationKind::Other},
            ErrorKind::InvalidInput,
            "cannot copy the directory d onto /f, which is not a directory"},
           {{"a"},
            {.path = "/f", .kind = DestinationKind::Other, .trailing_slash = true},
            ErrorKind::InvalidInput,
            "/f is not a directory"},
           {{"["}, missing("/x"), ErrorKind::InvalidInput, "pattern [: syntax error"},
           {{"a/x"}, missing("/x"), ErrorKind::InvalidInput, "a/x: a is not a directory"},
           {{"w"},
            missing("/x"),
            ErrorKind::InvalidInput,
            "copy: /x/.wh.a: image layers cannot hold a file whose name starts with '.wh.'; rename "
            "or remove it"},
       }) {
    auto copied = copy(tree, {.sources = row.sources, .destination = row.to});
    REQUIRE_FALSE(copied.ok());
    CHECK(copied.error().kind == row.kind);
    CHECK(copied.error().message == row.message);
  }
}

TEST_CASE("a pattern may match nothing") {
  Tree tree;
  tree.file("package.json", "{}");
  auto copied = copy(tree, {.sources = {"package.json", "package-lock.json*"},
                            .destination = {.path = "/app", .trailing_slash = true}});
  REQUIRE(copied.ok());
  CHECK(copied->names() == "app app/package.json");
  CHECK(names(tree, {.sources = {"*.txt"}, .destination = missing("/x")}) == "");
}

TEST_CASE("owner, mode and time are what was asked, for everything written") {
  if (!may_chown()) return;
  Tree tree;
  tree.file("src/run", "x", 04755, 1000, 77).dir("src/d", 0700, 1000, 78).link("src/l", "run");
  CopyRequest request{.sources = {"src"}, .destination = missing("/a/b")};
  request.destination.missing_parents = {"/a"};
  auto plain = copy(tree, request);
  REQUIRE(plain.ok());
  CHECK(plain->names() == "a a/b a/b/d a/b/l a/b/run");
  CHECK(plain->at("a").mode == 0755);
  CHECK(plain->at("a/b/d").mode == 0700);
  CHECK(plain->at("a/b/run").mode == 04755);
  CHECK(plain->at("a/b/run").uid == 0);
  CHECK(plain->at("a/b/run").mtime.seconds == 77);
  request.owner = {5, 6};
  request.chmod = *ModeChange::parse("0640");
  request.mtime = 1000;
  auto chosen = copy(tree, request);
  REQUIRE(chosen.ok());
  for (const auto& [entry, content] : chosen->entries) {
    INFO(entry.path);
    CHECK(entry.uid == 5);
    CHECK(entry.gid == 6);
    CHECK(entry.mtime == Timestamp{1000, 0});
    if (entry.type != EntryType::Symlink) CHECK(entry.mode == 0640);
  }
  request.chmod = *ModeChange::parse("go=,u+X");
  auto symbolic = copy(tree, request);
  REQUIRE(symbolic.ok());
  CHECK(symbolic->at("a").mode == 0755);
  CHECK(symbolic->at("a/b/d").mode == 0700);
  CHECK(symbolic->at("a/b/run").mode == 04700);
  CHECK(symbolic->at("a/b/l").type == EntryType::Symlink);
}

TEST_CASE("symlinks: a source is followed inside the root, those in a directory stay") {
  Tree tree;
  tree.file("real/f", "content")
      .link("link", "real/f")
      .link("abs", "/real")
      .link("out", "../../../../etc")
      .link("real/inner", "/etc/passwd");
  auto file = copy(tree, {.sources = {"link"}, .destination = slash("/app")});
  REQUIRE(file.ok());
  CHECK(file->names() == "app app/link");
  CHECK(file->at("app/link").type == EntryType::Regular);
  CHECK(names(tree, {.sources = {"abs"}, .destination = directory("/app")}) == "app/f app/inner");
  CHECK(names(tree, {.sources = {"out"}, .destination = directory("/app")}) ==
        "NotFound: out: not found");
  CHECK(names(tree, {.sources = {"out/passwd"}, .destination = directory("/app")}) ==
        "NotFound: out/passwd: not found");
  auto inner = copy(tree, {.sources = {"real"}, .destination = directory("/app")});
  CHECK(inner->at("app/inner").link_target == "/etc/passwd");
}

TEST_CASE("hard links among the copied stay linked") {
  Tree tree;
  tree.file("b", "shared").hard("a", "b");
  auto copied = copy(tree, {.sources = {"."}, .destination = directory("/app")});
  REQUIRE(copied.ok());
  CHECK(copied->at("app/a").size == 6);
  CHECK(copied->at("app/b").type == EntryType::HardLink);
  CHECK(copied->at("app/b").link_target == "app/a");
  CHECK(copied->summary.bytes == 6);
  CHECK(copied->summary.files == 2);
}

TEST_CASE("excluded files are not copied, and their directories only for what is included again") {
  Tree tree;
  tree.file("a.js", "")
      .file("node_modules/x/i.js", "")
      .file("logs/keep/me", "")
      .file("logs/drop", "")
      .file(".git/HEAD", "");
  CopyHooks hooks;
  hooks.excluded = [](std::string_view path, bool) {
    return path.starts_with("node_modules") || path == ".git" || path.starts_with(".git/") ||
           (path.starts_with("logs") && !path.starts_with("logs/keep"));
  };
  std::string looked_below;
  hooks.may_include_below = [&](std::string_view path) {
    looked_below += std::string(path) + " ";
    return path == "logs";
  };
  CHECK(names(tree, {.sources = {"."}, .destination = directory("/")}, hooks) ==
        "a.js logs logs/keep logs/keep/me");
  CHECK(looked_below == ".git logs node_modules ");
  const CopyDestination to = directory("/x");
  CHECK(names(tree, {.sources = {"node_modules"}, .destination = to}, hooks) ==
        "NotFound: node_modules: not found (excluded by .dockerignore)");
  CHECK(names(tree, {.sources = {"logs/drop"}, .destination = to}, hooks) ==
        "NotFound: logs/drop: not found (excluded by .dockerignore)");
  CHECK(names(tree, {.sources = {"node_*"}, .destination = to}, hooks) == "");
  CHECK(names(tree, {.sources = {"logs"}, .destination = to}, hooks) == "x/keep x/keep/me");
  hooks.may_include_below = nullptr;
  CHECK(names(tree, {.sources = {"."}, .destination = directory("/")}, hooks) ==
        "a.js logs logs/keep logs/keep/me");
}

TEST_CASE("what --exclude leaves out: patterns from each source on") {
  Tree tree;
  tree.file("d/a.txt", "").file("d/b.md", "").file("d/s/a.txt", "").file("d/s/keep.txt", "");
  tree.file("e/a.txt", "").file("home.txt", "").file("hom.md", "");
  struct Row {
    std::vector<std::string> sources, excludes;
    const char* names;
  };
  for (const Row& row : {
           Row{{"d"}, {"*.txt"}, "x/b.md x/s x/s/a.txt x/s/keep.txt"},
           {{"d"}, {"**/*.txt"}, "x/b.md x/s"},
           {{"d"}, {"**/*.txt", "!s/keep.txt"}, "x/b.md x/s x/s/keep.txt"},
           {{"d"}, {"s", "!s/keep.txt"}, "x/a.txt x/b.md x/s x/s/keep.txt"},
           {{"d"}, {"s"}, "x/a.txt x/b.md"},
           {{"d"}, {"s/"}, "x/a.txt x/b.md"},
           {{"d"}, {"/a.txt", "b.*"}, "x/s x/s/a.txt x/s/keep.txt"},
           {{"d"}, {"*"}, ""},
           {{"d", "e"}, {"a.txt"}, "x/b.md x/s x/s/a.txt x/s/keep.txt"},
           {{"."}, {"d/s", "*.md"}, "x/d x/d/a.txt x/d/b.md x/e x/e/a.txt x/home.txt"},
           {{"hom*"}, {"*.txt"}, "x/hom.md"},
           {{"*"}, {"*.txt", "*.md", "s"}, ""},
           {{"home.txt"}, {"*.txt"}, "x/home.txt"},
           {{"d"}, {}, "x/a.txt x/b.md x/s x/s/a.txt x/s/keep.txt"},
       }) {
    INFO(row.sources[0] << " without " << (row.excludes.empty() ? "" : row.excludes[0]));
    CHECK(names(tree, {.sources = row.sources,
                       .destination = directory("/x"),
                       .excludes = row.excludes}) == row.names);
  }
  CHECK(names(tree, {.sources = {"d"}, .destination = directory("/x"), .excludes = {"["}}) ==
        "InvalidInput: --exclude: pattern \"[\": unfinished [");
}

TEST_CASE("with --parents a source keeps its directories, from /./ on") {
  Tree tree;
  tree.file("a/b/c/foo", "").file("a/b/c/e/bay", "").file("a/b2/c/e/bar", "").dir("a/b", 0711);
  tree.file("x/a.txt", "").file("y/a.txt", "").link("link", "a/b");
  struct Row {
    std::vector<std::string> sources;
    const char* names;
  };
  for (const Row& row : {
           Row{{"x/a.txt", "./y/a.txt"}, "o o/x o/x/a.txt o/y o/y/a.txt"},
           {{"a/b"}, "o o/a o/a/b o/a/b/c o/a/b/c/e o/a/b/c/e/bay o/a/b/c/foo"},
           {{"/a/b/c/."}, "o o/a o/a/b o/a/b/c o/a/b/c/e o/a/b/c/e/bay o/a/b/c/foo"},
           {{"/a/b/./c"}, "o o/c o/c/e o/c/e/bay o/c/foo"},
           {{"/a/./b/./c"}, "o o/b o/b/c o/b/c/e o/b/c/e/bay o/b/c/foo"},
           {{"a/./*/c/e"}, "o o/b o/b/c o/b/c/e o/b/c/e/bay o/b2 o/b2/c o/b2/c/e o/b2/c/e/bar"},
           {{"a/b*/./c/**/e"}, "o o/c o/c/e o/c/e/bar o/c/e/bay"},
           {{"**/*.txt"}, "o o/x o/x/a.txt o/y o/y/a.txt"},
           {{"**/ba?"},
            "o o/a o/a/b o/a/b/c o/a/b/c/e o/a/b/c/e/bay o/a/b2 o/a/b2/c o/a/b2/c/e "
            "o/a/b2/c/e/bar"},
           {{"link"}, "o o/link"},
           {{"link/./c/foo"}, "o o/c o/c/foo"},
           {{"none*"}, "o"},
           {{"a/none*/./x"}, "o"},
           {{"none"}, "NotFound: --parents: none: not found"},
           {{"a/./none"}, "NotFound: --parents: a/./none: not found"},
           {{"x/a.txt/./b"}, "InvalidInput: --parents: x/a.txt: not a directory"},
       }) {
    INFO(row.sources[0]);
    CHECK(names(tree, {.sources = row.sources, .destination = slash("/o"), .parents = true}) ==
          row.names);
  }
  auto kept = copy(tree, {.sources = {"a/b/c/foo"}, .destination = slash("/o"), .parents = true});
  REQUIRE(kept.ok());
  CHECK(kept->at("o/a/b").mode == 0711);
  CHECK(names(tree, {.sources = {"a"},
                     .destination = slash("/o"),
                     .excludes = {"a/b2", "**/foo"},
                     .parents = true}) == "o o/a o/a/b o/a/b/c o/a/b/c/e o/a/b/c/e/bay");
  CopyHooks hooks;
  hooks.excluded = [](std::string_view path, bool) { return path == "x/a.txt"; };
  CHECK(names(tree, {.sources = {"x/a.txt"}, .destination = slash("/o"), .parents = true}, hooks) ==
        "NotFound: --parents: x/a.txt: not found");
}

TEST_CASE("later sources win") {
  Tree tree;
  tree.file("one/f", "1").file("one/x/deep", "").file("two/f", "2").file("two/x", "now a file");
  auto copied = copy(tree, {.sources = {"one", "two"}, .destination = slash("/app")});
  REQUIRE(copied.ok());
  CHECK(copied->names() == "app app/f app/x");
  CHECK(copied->entries[1].second == "2");
  CHECK(copied->at("app/x").type == EntryType::Regular);
}

TEST_CASE("a directory is not copied onto what is no directory in the stage") {
  Tree tree;
  tree.file("rootfs/lib/x", "").file("rootfs/etc/y", "");
  CopyHooks hooks;
  hooks.existing = [](const std::string& path) -> Result<DestinationKind> {
    return path == "/lib" ? DestinationKind::Other : DestinationKind::Directory;
  };
  CHECK(names(tree, {.sources = {"rootfs"}, .destination = directory("/")}, hooks) ==
        "InvalidInput: cannot copy a directory onto /lib, which is not a directory");
}

TEST_CASE("attributes are copied, overlay's are not") {
  if (!may_chown() || !has_user_xattrs()) return;
  Tree tree;
  tree.file("f", "").xattr("f", "user.a", "1").xattr("f", "user.overlay.x", "2");
  auto copied = copy(tree, {.sources = {"f"}, .destination = missing("/f")});
  CHECK(copied->at("f").xattrs == std::map<std::string, std::string>{{"user.a", "1"}});
}

TEST_CASE("the content hash sees every input byte and no time") {
  if (!may_chown()) return;
  Tree tree;
  tree.file("d/f", "one");
  CopyRequest request{.sources = {"d"}, .destination = directory("/app")};
  auto hash = [&] { return copy(tree, request)->summary.content_hash; };
  const std::string before = hash();
  tree.time("d/f", 9999);
  CHECK(hash() == before);
  tree.file("d/f", "two");
  CHECK(hash() != before);
  tree.file("d/f", "one", 0600);
  CHECK(hash() != before);
  tree.file("d/f", "one");
  CHECK(hash() == before);
  request.owner.uid = 1;
  CHECK(hash() != before);
  request.owner.uid = 0;
  request.destination.path = "/other";
  CHECK(hash() != before);
}

TEST_CASE("the same inputs give the same entries in the same order") {
  Tree tree;
  for (const char* name : {"a-b", "a/c", "a0", "a.d/e"}) tree.file(name, name);
  CHECK(names(tree, {.sources = {"."}, .destination = directory("/")}) == "a a/c a-b a.d a.d/e a0");
}

TEST_CASE("a request survives JSON, whatever its bytes") {
  CopyRequest request{.sources = {"a b", "x\xff*"},
                      .destination = {.path = "/d\xfe",
                                      .kind = DestinationKind::Other,
                                      .trailing_slash = true,
                                      .missing_parents = {"/p"}},
                      .owner = {7, 8},
                      .chmod = *ModeChange::parse("u=rwX"),
                      .mtime = -5,
                      .excludes = {"*.\xfd"},
                      .parents = true};
  auto text = dump_json(to_json(request));
  auto back = copy_request_from_json(*parse_json(text));
  REQUIRE(back.ok());
  CHECK(back->sources == request.sources);
  CHECK(back->destination.path == request.destination.path);
  CHECK(back->destination.kind == request.destination.kind);
  CHECK(back->destination.trailing_slash);
  CHECK(back->destination.missing_parents == request.destination.missing_parents);
  CHECK(back->owner.uid == 7);
  CHECK(back->owner.gid == 8);
  CHECK(back->chmod == request.chmod);
  CHECK(back->excludes == request.excludes);
  CHECK(back->parents);
  CHECK(back->mtime == request.mtime);
  CHECK_FALSE(copy_request_from_json(Json::array()).ok());
  CHECK_FALSE(
      copy_request_from_json(
          *parse_json(
              R"({"sources":["zz"],"path":"2f","kind":0,"missingParents":[],"uid":0,"gid":0})"))
          .ok());
}
