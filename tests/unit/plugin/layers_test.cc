// Whiteouts across layers, and what is made of the differences.
#include "plugin/layered_files.h"
#include "plugin/path_changes.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::plugin;

namespace {

TarEntry file(const std::string& path, std::uint64_t size) { return {.path = path, .size = size}; }
TarEntry directory(const std::string& path) { return {.path = path, .type = EntryType::Directory}; }

using Layers = std::vector<std::vector<TarEntry>>;

LayeredFiles pile(const Layers& layers, std::size_t limit = 1'000'000) {
  LayeredFiles files(limit);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    files.begin_layer(i);
    for (const TarEntry& entry : layers[i]) files.add(entry);
  }
  return files;
}

std::uint64_t total(const std::map<std::string, FileSize>& files) {
  std::uint64_t sum = 0;
  for (const auto& [path, size] : files) sum += size.bytes;
  return sum;
}

}  // namespace

TEST_CASE("a pile of layers shows what a container sees and hides the rest") {
  struct Row {
    const char* what;
    Layers layers;
    std::uint64_t visible, hidden;
  };
  const Row rows[] = {
      {"files add up", {{file("a", 1)}, {file("b", 2)}}, 3, 0},
      {"a later file replaces an earlier one", {{file("a", 5)}, {file("a", 7)}}, 7, 5},
      {"a whiteout hides one file", {{file("d/a", 5), file("d/b", 1)}, {file("d/.wh.a", 0)}}, 1, 5},
      {"a whiteout hides a directory",
       {{directory("d"), file("d/x/a", 5), file("d-2", 1)}, {file(".wh.d", 0)}},
       1,
       5},
      {"an opaque directory hides what lower layers have in it",
       {{file("d/a", 5)}, {directory("d"), file("d/b", 2), file("d/.wh..wh..opq", 0)}},
       2,
       5},
      {"a whiteout does not hide its own layer's file",
       {{file("a", 5)}, {file("a", 7), file(".wh.a", 0)}},
       7,
       5},
      {"a file in a directory's place hides what was in it",
       {{directory("d"), file("d/a", 5)}, {file("d", 2)}},
       2,
       5},
      {"a directory that is listed again keeps its files",
       {{directory("d"), file("d/a", 5)}, {directory("d/"), file("d/b", 1)}},
       6,
       0},
      {"paths are compared cleaned", {{file("./a//b", 5)}, {file("/a/b", 7)}}, 7, 5},
      {"a path that leads out is not counted", {{file("../../etc/passwd", 5), file("a", 1)}}, 1, 0},
      {"files of the layer format itself are not content",
       {{file(".wh..wh.plnk/1.2", 9), file("a", 1)}},
       1,
       0},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const LayeredFiles files = pile(row.layers);
    CHECK(total(files.visible()) == row.visible);
    CHECK(total(files.hidden()) == row.hidden);
  }
}

TEST_CASE("whiteouts of what was not fed are remembered") {
  const LayeredFiles files = pile({{file("usr/.wh.doc", 0), file("a", 1)}});
  CHECK(files.removed_below() == std::set<std::string>{"usr/doc"});
}

TEST_CASE("more paths than the limit are summed up by directory, and no byte is lost") {
  std::vector<TarEntry> many;
  for (int i = 0; i < 100; ++i) many.push_back(file("usr/lib/x/" + std::to_string(i), 10));
  const LayeredFiles files = pile({many}, 20);
  CHECK(total(files.visible()) == 1000);
  CHECK(files.visible().size() == 21);
  CHECK(files.folded() > 0);
}

TEST_CASE("a change spread over many files is one row of their directory") {
  std::vector<TarEntry> many = {file("etc/passwd", 100)};
  for (int i = 0; i < 50; ++i)
    many.push_back(file("usr/lib/python3/torch/" + std::to_string(i), 1'000'000));
  many.push_back(file("usr/lib/python3/six.py", 30'000));
  const PathChanges changes = compare_files(pile({{file("etc/passwd", 100)}}), pile({many}), 15);
  REQUIRE(changes.rows.size() == 2);
  CHECK(changes.rows[0].path == "/usr/lib/python3/torch/");
  CHECK(changes.rows[0].files == 50);
  CHECK(changes.rows[0].delta == 50'000'000);
  CHECK(changes.rows[0].kind == PathChange::Kind::Added);
  CHECK(changes.rows[1].path == "/usr/lib/python3/six.py");
  CHECK_FALSE(changes.rows[1].rest);
  CHECK(changes.visible_delta == 50'030'000);
}

TEST_CASE("what is left of an opened directory is one row") {
  const PathChanges changes = compare_files(
      pile({}), pile({{file("lib/big", 1000), file("lib/a", 20), file("lib/b", 10)}}), 15);
  REQUIRE(changes.rows.size() == 2);
  CHECK(changes.rows[0].path == "/lib/big");
  CHECK(changes.rows[1].path == "/lib/");
  CHECK(changes.rows[1].rest);
  CHECK(changes.rows[1].files == 2);
  CHECK(changes.rows[1].delta == 30);
}

TEST_CASE("files that were added, removed, grew or shrank each say so, largest first") {
  const PathChanges changes = compare_files(
      pile({{file("gone", 50), file("grew", 10), file("shrank", 40), file("same", 5)}}),
      pile({{file("new", 7)}, {file("grew", 100), file("shrank", 20), file("same", 5)}}), 3);
  REQUIRE(changes.rows.size() == 3);
  CHECK(changes.rows[0].path == "/grew");
  CHECK(changes.rows[0].kind == PathChange::Kind::Grew);
  CHECK(changes.rows[0].layer == 1);
  CHECK(changes.rows[1].path == "/gone");
  CHECK(changes.rows[1].kind == PathChange::Kind::Removed);
  CHECK_FALSE(changes.rows[1].of_new);
  CHECK(changes.rows[2].kind == PathChange::Kind::Shrank);
  CHECK(changes.more == 1);
  CHECK(changes.more_delta == 7);
}

TEST_CASE("a file that is added and removed again is a hidden row") {
  const PathChanges changes =
      compare_files(pile({{file("app", 5)}}),
                    pile({{file("app", 5)}, {file("tmp/big", 900)}, {file("tmp/.wh.big", 0)}}), 15);
  REQUIRE(changes.rows.size() == 1);
  CHECK(changes.rows[0].hidden);
  CHECK(changes.rows[0].path == "/tmp/big");
  CHECK(changes.rows[0].layer == 1);
  CHECK(changes.visible_delta == 0);
  CHECK(changes.hidden_delta == 900);
}
