#include "builder/sandbox/tree_path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "builder/sandbox/scaffold.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::sandbox;
namespace fs = std::filesystem;

namespace {

class Tree {
 public:
  Tree() {
    std::string name = fs::temp_directory_path() / "tree-path-XXXXXX";
    REQUIRE(::mkdtemp(name.data()));
    path = name;
    root = *open_file(path, O_RDONLY | O_DIRECTORY);
  }
  ~Tree() { fs::remove_all(path); }
  void file(const std::string& name, const std::string& content = "") {
    std::ofstream(path + "/" + name) << content;
  }
  void directory(const std::string& name) { fs::create_directories(path + "/" + name); }
  void link(const std::string& name, const std::string& target) {
    fs::create_symlink(target, path + "/" + name);
  }

  std::string path;
  UniqueFd root;
};

}  // namespace

TEST_CASE("paths resolve inside the tree as in a chroot") {
  Tree tree;
  tree.directory("usr/lib");
  tree.directory("home");
  tree.file("usr/lib/libc", "1234");
  tree.link("lib", "usr/lib");
  tree.link("abs", "/usr/lib/libc");
  tree.link("escape", "../../../../../../etc/passwd");
  tree.link("dangling", "/home/none/deep");
  tree.link("loop", "loop");
  struct Row {
    const char* path;
    const char* resolved;
    PathType type;
    std::vector<std::string> missing;
  };
  for (const Row& row :
       std::vector<Row>{{"/", "/", PathType::Directory, {}},
                        {"", "/", PathType::Directory, {}},
                        {"/usr/./lib/../lib//libc", "/usr/lib/libc", PathType::Regular, {}},
                        {"/lib/libc", "/usr/lib/libc", PathType::Regular, {}},
                        {"/lib/..", "/usr", PathType::Directory, {}},
                        {"abs", "/usr/lib/libc", PathType::Regular, {}},
                        {"/../../home", "/home", PathType::Directory, {}},
                        {"/escape", "/etc/passwd", PathType::Missing, {"/etc", "/etc/passwd"}},
                        {"/home/a/b", "/home/a/b", PathType::Missing, {"/home/a", "/home/a/b"}},
                        {"/home/a/../b", "/home/b", PathType::Missing, {"/home/b"}},
                        {"/home/a/..", "/home", PathType::Directory, {}},
                        {"/dangling/x",
                         "/home/none/deep/x",
                         PathType::Missing,
                         {"/home/none", "/home/none/deep", "/home/none/deep/x"}}}) {
    CAPTURE(row.path);
    const auto info = resolve_below(tree.root.get(), row.path, LastLink::Follow);
    REQUIRE(info);
    CHECK(info->path == row.resolved);
    CHECK(info->type == row.type);
    CHECK(info->missing == row.missing);
  }
  CHECK(resolve_below(tree.root.get(), "/lib", LastLink::Keep)->type == PathType::Symlink);
  CHECK(resolve_below(tree.root.get(), "/loop", LastLink::Follow).error().kind ==
        ErrorKind::InvalidInput);
  CHECK(resolve_below(tree.root.get(), "/usr/lib/libc/x", LastLink::Follow).error().kind ==
        ErrorKind::InvalidInput);
}

TEST_CASE("a file is opened below the root only without following a link") {
  Tree tree;
  tree.link("passwd", "/etc/passwd");
  tree.directory("d");
  tree.link("d/up", "../../../../../../../etc");
  CHECK_FALSE(open_below(tree.root.get(), "/passwd", O_RDONLY));
  CHECK_FALSE(open_below(tree.root.get(), "/d/up/passwd", O_RDONLY));
}

TEST_CASE("a tree ten thousand directories deep is removed") {
  Tree tree;
  UniqueFd at = *open_file(tree.path, O_RDONLY | O_DIRECTORY);
  REQUIRE(::mkdirat(at.get(), "deep", 0755) == 0);
  at.reset(::openat(at.get(), "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < 10000; ++i) {
    REQUIRE(::mkdirat(at.get(), "a-directory-name", 0755) == 0);
    at.reset(::openat(at.get(), "a-directory-name", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  REQUIRE(remove_tree(tree.root.get(), "deep"));
  CHECK(fs::is_empty(tree.path));
}

TEST_CASE("removing a tree does not follow its links") {
  Tree tree;
  tree.directory("keep");
  tree.file("keep/file");
  tree.directory("gone/inner");
  tree.link("gone/link", "../keep");
  REQUIRE(remove_tree(tree.root.get(), "gone"));
  CHECK(fs::exists(tree.path + "/keep/file"));
  CHECK_FALSE(fs::exists(tree.path + "/gone"));
  CHECK(remove_tree(tree.root.get(), "gone"));
}

TEST_CASE(
    "a scaffold holds only what the image lacks, under directories that look as in the image") {
  Tree image;
  Tree scaffold;
  image.directory("proc");
  image.directory("etc");
  image.file("etc/hosts");
  image.link("etc/resolv.conf", "../run/resolve/stub.conf");
  REQUIRE(::chmod((image.path + "/etc").c_str(), 0750) == 0);
  const timespec times[2] = {{1000, 0}, {2000, 5}};
  REQUIRE(::utimensat(AT_FDCWD, (image.path + "/etc").c_str(), times, 0) == 0);

  const std::vector<MountPoint> points{{"/proc", MountPointKind::Directory},
                                       {"/sys", MountPointKind::Directory},
                                       {"/etc/hosts", MountPointKind::File},
                                       {"/etc/hostname", MountPointKind::File},
                                       {"/etc/resolv.conf", MountPointKind::File}};
  const auto made = build_scaffold(image.root.get(), scaffold.path, points);
  REQUIRE(made);
  CHECK(*made);
  CHECK_FALSE(fs::exists(scaffold.path + "/proc"));
  CHECK(fs::is_directory(scaffold.path + "/sys"));
  CHECK_FALSE(fs::exists(scaffold.path + "/etc/hosts"));
  CHECK(fs::is_regular_file(scaffold.path + "/etc/hostname"));
  CHECK(fs::is_regular_file(scaffold.path + "/run/resolve/stub.conf"));
  struct stat st {};
  REQUIRE(::stat((scaffold.path + "/etc").c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0750);
  CHECK(st.st_mtim.tv_sec == 2000);
  CHECK(st.st_mtim.tv_nsec == 5);
}

TEST_CASE("an image that has a file where a mount goes is refused by name") {
  Tree image;
  Tree scaffold;
  image.file("proc");
  const std::vector<MountPoint> points{{"/proc", MountPointKind::Directory}};
  const auto made = build_scaffold(image.root.get(), scaffold.path, points);
  REQUIRE_FALSE(made);
  CHECK(made.error().message.find("/proc is not a directory") != std::string::npos);
}
