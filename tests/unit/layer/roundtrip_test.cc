// A property: whatever a tree holds, its diff unpacks to the same tree; and a change to it, diffed
// against it and stacked on it, shows the changed tree.
#include <random>

#include "builder/layer/diff.h"
#include "builder/layer/merged_view.h"
#include "builder/layer/settle.h"
#include "tests/unit/layer/unpack.h"

using namespace imagebuild;
using namespace imagebuild::testing;

namespace {

class RandomTree {
 public:
  explicit RandomTree(unsigned seed) : random_(seed) {}

  void fill(Tree& tree, const std::string& directory, int depth) {
    for (unsigned i = 0, count = pick(5); i < count; ++i) {
      const std::string path = layer::join_path(directory, name());
      if (tree.exists(path)) continue;
      add(tree, path, depth);
    }
    if (!directory.empty()) tree.meta(directory, mode(0700), pick(3), pick(100000));
  }

 private:
  unsigned pick(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
  unsigned mode(unsigned base) { return base | pick(07777); }
  std::string name() {
    static const char* kOdd[] = {"\xff\xfe", "f\xc5\x91", "a b", ".wh",
                                 "-",        "new\nline", "\\",  "*"};
    std::string text = std::to_string(pick(1000));
    if (pick(4) == 0) text += kOdd[pick(8)];
    if (pick(8) == 0) text += std::string(200, 'l');
    return text;
  }
  void add(Tree& tree, const std::string& path, int depth) {
    switch (pick(depth > 0 ? 7 : 5)) {
      case 0:
        tree.link(path, "../" + name());
        tree.time(path, pick(100000));
        break;
      case 1:
        if (!last_file_.empty() && tree.exists(last_file_)) {
          tree.hard(path, last_file_);
          break;
        }
        [[fallthrough]];
      case 2:
      case 3:
        tree.file(path, std::string(pick(3000), static_cast<char>(pick(256))), mode(0), pick(65535),
                  pick(100000));
        if (pick(3) == 0)
          tree.xattr(path, "user.x", std::string("v\0w", 3)).time(path, pick(100000));
        last_file_ = path;
        break;
      case 4:
        REQUIRE(::mkfifo(tree.at(path).c_str(), 0600) == 0);
        tree.meta(path, mode(0), pick(10), pick(100000));
        break;
      default:
        tree.dir(path);
        fill(tree, path, depth - 1);
    }
  }

  std::mt19937 random_;
  std::string last_file_;
};

std::string diff_bytes(const Tree& upper, int lower) {
  std::string bytes;
  TarWriter tar([&](std::string_view part) -> Result<void> {
    bytes += part;
    return {};
  });
  auto done = diff_upper(upper.fd(), lower, {}, tar);
  if (!done.ok()) FAIL(done.error().message);
  REQUIRE(tar.finish().ok());
  return bytes;
}

}  // namespace

TEST_CASE("a random tree survives diff and unpack, twice with the same bytes") {
  if (!may_chown() || !has_user_xattrs()) return;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    Tree tree;
    RandomTree(seed).fill(tree, "", 4);
    const std::string bytes = diff_bytes(tree, -1);
    Tree copy;
    TarReader reader(source_from_bytes(bytes));
    auto summary = unpack_layer(copy.fd(), reader);
    if (!summary.ok()) FAIL(summary.error().message);
    CHECK(summary->implied_directories == std::vector<std::string>{""});
    CHECK(copy.text() == tree.text());
    CHECK(diff_bytes(copy, -1) == bytes);
  }
}

TEST_CASE("a diff of nothing changed is empty") {
  if (!may_chown() || !has_user_xattrs()) return;
  Tree tree;
  RandomTree(3).fill(tree, "", 4);
  // Hard links are compared by name only when they are single: leave them out of this one.
  for (const auto& entry : std::filesystem::recursive_directory_iterator(tree.at("")))
    if (entry.is_regular_file() && !entry.is_symlink() && entry.hard_link_count() > 1) return;
  CHECK(diff_bytes(tree, tree.fd()) == std::string(1024, '\0'));
}
