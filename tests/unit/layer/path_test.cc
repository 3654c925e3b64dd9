#include "builder/layer/path.h"

#include <map>

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::layer;

TEST_CASE("cleaning a path keeps it inside the root") {
  struct Row {
    const char* path;
    const char* clean;
  };
  for (const Row& row : {Row{"", ""},
                         {"/", ""},
                         {".", ""},
                         {"./a", "a"},
                         {"a//b/", "a/b"},
                         {"../../etc/passwd", "etc/passwd"},
                         {"/a/../../b", "b"},
                         {"a/./b/../c", "a/c"},
                         {"..", ""},
                         {"...", "..."},
                         {"a/..", ""}})
    CHECK(clean_path(row.path) == row.clean);
}

TEST_CASE("symlinks resolve as in a chroot") {
  const std::map<std::string, Node> tree = {
      {"usr", {NodeKind::Directory, ""}},
      {"usr/lib", {NodeKind::Directory, ""}},
      {"lib", {NodeKind::Symlink, "usr/lib"}},
      {"abs", {NodeKind::Symlink, "/usr"}},
      {"up", {NodeKind::Symlink, "../../usr"}},
      {"loop", {NodeKind::Symlink, "loop"}},
      {"file", {NodeKind::Other, ""}},
      {"usr/lib/f", {NodeKind::Other, ""}},
      {"dangling", {NodeKind::Symlink, "gone/x"}},
      {"root", {NodeKind::Symlink, "/"}},
      {"usr/back", {NodeKind::Symlink, "../lib/f"}},
  };
  const Lookup lookup = [&](const std::string& path) -> Result<Node> {
    auto found = tree.find(path);
    return found == tree.end() ? Node{} : found->second;
  };
  struct Row {
    const char* path;
    const char* resolved;
    NodeKind kind;
  };
  for (const Row& row : {Row{"lib/f", "usr/lib/f", NodeKind::Other},
                         {"abs/lib", "usr/lib", NodeKind::Directory},
                         {"up/lib/f", "usr/lib/f", NodeKind::Other},
                         {"dangling/y", "gone/x/y", NodeKind::Missing},
                         {"root", "", NodeKind::Directory},
                         {"root/usr", "usr", NodeKind::Directory},
                         {"usr/back", "usr/lib/f", NodeKind::Other},
                         {"no/such/thing", "no/such/thing", NodeKind::Missing},
                         {"", "", NodeKind::Directory},
                         // `..` after a symlink leaves the link's target, as in the kernel.
                         {"lib/../file", "usr/file", NodeKind::Missing}}) {
    INFO(row.path);
    auto resolved = resolve_path(row.path, lookup);
    REQUIRE(resolved.ok());
    CHECK(resolved->path == row.resolved);
    CHECK(resolved->kind == row.kind);
  }
  CHECK(resolve_path("loop/x", lookup).error().kind == ErrorKind::InvalidInput);
  CHECK(resolve_path("file/x", lookup).error().message == "file/x: file is not a directory");
}
