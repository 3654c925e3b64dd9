#include "tests/unit/layer/unpack.h"

using namespace imagebuild;
using namespace imagebuild::testing;

TEST_CASE("entries arrive with owner, mode, times and attributes") {
  if (!may_chown() || !has_user_xattrs()) return;
  Tree tree;
  TarEntry tool = a_file("bin/tool", 04755);
  tool.uid = 7;
  tool.gid = 8;
  tool.mtime = {1234, 5678};
  tool.xattrs["user.note"] = std::string("a\0b", 3);
  // CAP_NET_RAW, permitted and effective: a version 2 value as it stands in layers.
  const std::string capability(
      "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);
  tool.xattrs["security.capability"] = capability;
  TarEntry bin = a_dir("bin", 01777);
  bin.mtime = {99, 0};
  TarEntry link = a_link("bin/link", "tool");
  link.uid = 3;
  link.mtime = {44, 0};
  auto summary = unpack(tree, {{bin, ""},
                               {tool, "content"},
                               {link, ""},
                               {{.path = "bin/pipe", .type = EntryType::Fifo}, ""}});
  REQUIRE(summary.ok());
  CHECK(summary->entries == 4);
  CHECK(summary->bytes == 7);
  CHECK(summary->implied_directories == std::vector<std::string>{""});
  CHECK(tree.content("bin/tool") == "content");
  CHECK(tree.mode("bin/tool") == 04755);
  CHECK(tree.info("bin/tool").st_uid == 7);
  CHECK(tree.info("bin/tool").st_gid == 8);
  CHECK(tree.info("bin/tool").st_mtim.tv_nsec == 5678);
  CHECK(tree.attribute("bin/tool", "user.note") == std::string("a\0b", 3));
  CHECK(tree.attribute("bin/tool", "security.capability") == capability);
  CHECK(tree.mode("bin") == 01777);
  CHECK(tree.info("bin").st_mtime == 99);
  CHECK(tree.info("bin/link").st_uid == 3);
  CHECK(tree.info("bin/link").st_mtime == 44);
  CHECK(S_ISFIFO(tree.info("bin/pipe").st_mode));
}

TEST_CASE("parents that the tar does not name are reported as implied") {
  Tree tree;
  auto summary = unpack(
      tree, {{a_file("a/b/c"), ""}, {a_dir("a"), ""}, {a_dir("./"), ""}, {a_file("x/y"), ""}},
      {.keep_owner = false});
  REQUIRE(summary.ok());
  CHECK(summary->implied_directories == std::vector<std::string>{"a/b", "x"});
}

TEST_CASE("whiteouts become 0:0 devices and opaque markers the attribute") {
  if (!may_chown() || !has_user_xattrs()) return;
  Tree tree;
  auto summary = unpack(tree, {{a_dir("d"), ""},
                               {a_file("d/.wh..wh..opq"), ""},
                               {a_file("e/.wh.gone"), ""},
                               {a_file(".wh..wh.plnk/123"), "aufs"},
                               {a_file(".wh..wh.aufs"), ""}});
  REQUIRE(summary.ok());
  CHECK(tree.opaque("d") == "y");
  CHECK(layer::is_whiteout(tree.info("e/gone")));
  CHECK(summary->whiteouts == std::vector<std::string>{"e/gone"});
  CHECK(*layer::list_directory(tree.fd()) == std::vector<std::string>{"d", "e"});
}

TEST_CASE("a whiteout hides lower layers only: content of its own layer stays and stops merging") {
  if (!may_chown() || !has_user_xattrs()) return;
  const bool whiteout_first = GENERATE(true, false);
  Entries content = {{a_dir("d"), ""}, {a_file("d/new"), "x"}, {a_file("f"), "y"}};
  Entries whiteouts = {{a_file(".wh.d"), ""}, {a_file(".wh.f"), ""}};
  Entries all = whiteout_first ? whiteouts : content;
  const Entries& rest = whiteout_first ? content : whiteouts;
  all.insert(all.end(), rest.begin(), rest.end());
  Tree tree;
  auto summary = unpack(tree, all);
  REQUIRE(summary.ok());
  CHECK(tree.opaque("d") == "y");
  CHECK(tree.content("d/new") == "x");
  CHECK(tree.content("f") == "y");
  CHECK(summary->whiteouts.empty());
}

TEST_CASE("a whiteout and an implied directory of the same name are an opaque directory") {
  if (!may_chown() || !has_user_xattrs()) return;
  Tree tree;
  auto summary = unpack(tree, {{a_file(".wh.d"), ""}, {a_file("d/new"), "x"}});
  REQUIRE(summary.ok());
  CHECK(tree.opaque("d") == "y");
  CHECK(summary->implied_directories == std::vector<std::string>{"", "d"});
}

TEST_CASE("a later entry replaces an earlier one of any type") {
  struct Row {
    TarEntry first;
    TarEntry second;
    const char* what;
  };
  for (const Row& row : {Row{a_file("n"), a_dir("n"), "directory"},
                         {a_dir("n"), a_file("n"), "file"},
                         {a_link("n", "/etc"), a_dir("n"), "directory"},
                         {a_dir("n"), a_link("n", "t"), "symlink"},
                         {a_file("n"), a_link("n", "t"), "symlink"},
                         {a_link("n", "t"), a_file("n"), "file"}}) {
    Tree tree;
    Entries entries = {{row.first, row.first.type == EntryType::Regular ? "old" : ""}};
    if (row.first.type == EntryType::Directory) entries.push_back({a_file("n/inside"), ""});
    entries.push_back({row.second, row.second.type == EntryType::Regular ? "new" : ""});
    auto summary = unpack(tree, entries, {.keep_owner = false});
    REQUIRE(summary.ok());
    auto entry = layer::entry_of(tree.fd(), "n", tree.info("n"), "n");
    CHECK(to_string((*entry)->type) == row.what);
    CHECK_FALSE(tree.exists("n/inside"));
    if ((*entry)->type == EntryType::Regular) CHECK(tree.content("n") == "new");
  }
}

TEST_CASE("hard links join, and those to lower layers are deferred") {
  Tree tree;
  auto summary = unpack(tree,
                        {{a_file("d/a"), "x"},
                         {a_hard_link("b", "./d/a"), ""},
                         {a_hard_link("c", "/lower/file"), ""}},
                        {.keep_owner = false});
  REQUIRE(summary.ok());
  CHECK(tree.info("b").st_ino == tree.info("d/a").st_ino);
  REQUIRE(summary->deferred_hard_links.size() == 1);
  CHECK(summary->deferred_hard_links[0].path == "c");
  CHECK(summary->deferred_hard_links[0].target == "lower/file");
}

TEST_CASE("a hard link to itself leaves the file") {
  Tree tree;
  REQUIRE(
      unpack(tree, {{a_file("a"), "x"}, {a_hard_link("a", "a"), ""}}, {.keep_owner = false}).ok());
  CHECK(tree.content("a") == "x");
}

TEST_CASE("a symlinked parent inside the layer is followed") {
  Tree tree;
  auto summary = unpack(tree,
                        {{a_dir("usr/lib"), ""},
                         {a_link("lib", "usr/lib"), ""},
                         {a_file("lib/x"), "1"},
                         {a_file("lib/y"), "2"},
                         {a_link("run", "/var/run"), ""},
                         {a_file("run/pid"), "3"}},
                        {.keep_owner = false});
  REQUIRE(summary.ok());
  CHECK(tree.content("usr/lib/x") == "1");
  CHECK(tree.content("usr/lib/y") == "2");
  CHECK(tree.content("var/run/pid") == "3");
  CHECK(S_ISLNK(tree.info("lib").st_mode));
}

TEST_CASE("names of any bytes and any length are unpacked") {
  Tree tree;
  const std::string name =
      std::string(200, 'd') + "/" + std::string(250, '\xff') + "/" + "f\xc5\x91";
  REQUIRE(unpack(tree, {{a_file(name), "x"}}, {.keep_owner = false}).ok());
  CHECK(tree.content(name) == "x");
}
