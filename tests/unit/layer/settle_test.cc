#include "builder/layer/settle.h"

#include "tests/unit/layer/unpack.h"

using namespace imagebuild;
using namespace imagebuild::testing;

namespace {

/// Unpacks entries onto lowers, bottom first, and settles them.
Result<void> stack(const Tree& tree, const Entries& entries, std::vector<const Tree*> lowers) {
  auto summary = TRY(unpack(tree, entries));
  std::vector<int> fds;
  for (const Tree* lower : lowers) fds.push_back(lower->fd());
  return settle_layer(tree.fd(), fds, summary);
}

bool can_run() { return may_chown() && has_user_xattrs(); }

}  // namespace

TEST_CASE("an implied directory takes the metadata of the topmost lower that has it") {
  if (!can_run()) return;
  Tree bottom, middle, top;
  bottom.dir("tmp", 0755, 0, 50);
  middle.dir("tmp", 01777, 5, 60).xattr("tmp", "user.note", "n");
  middle.time("tmp", 60);
  REQUIRE(stack(top, {{a_file("tmp/f"), "x"}}, {&bottom, &middle}).ok());
  CHECK(top.mode("tmp") == 01777);
  CHECK(top.info("tmp").st_uid == 5);
  CHECK(top.info("tmp").st_mtime == 60);
  CHECK(top.attribute("tmp", "user.note") == "n");
}

TEST_CASE("an implied directory that covers nothing is root's, 0755, of time 0") {
  if (!can_run()) return;
  Tree bottom, middle, top;
  bottom.dir("gone", 0700, 9);
  middle.whiteout("gone");
  REQUIRE(stack(top, {{a_file("new/f"), ""}, {a_file("gone/f"), ""}}, {&bottom, &middle}).ok());
  for (const char* name : {"new", "gone"}) {
    CHECK(top.mode(name) == 0755);
    CHECK(top.info(name).st_uid == 0);
    CHECK(top.info(name).st_mtime == 0);
  }
}

TEST_CASE("opaque directories hide what is below them from implied ones") {
  if (!can_run()) return;
  Tree bottom, middle, top;
  bottom.dir("d/sub", 0700);
  middle.dir("d", 0750).xattr("d", "user.overlay.opaque", "y");
  REQUIRE(stack(top, {{a_file("d/sub/f"), ""}}, {&bottom, &middle}).ok());
  CHECK(top.mode("d") == 0750);
  CHECK(top.mode("d/sub") == 0755);
}

TEST_CASE("the root of a layer takes the root's metadata from below") {
  if (!can_run()) return;
  Tree bottom, top;
  bottom.dir(".", 0711, 3, 70);
  REQUIRE(stack(top, {{a_file("f"), ""}}, {&bottom}).ok());
  CHECK(top.mode(".") == 0711);
  CHECK(top.info(".").st_uid == 3);
  CHECK(top.info(".").st_mtime == 70);
}

TEST_CASE("a parent that is a symlink below receives the content at its target") {
  if (!can_run()) return;
  Tree bottom, top;
  bottom.dir("usr/lib", 0751, 0, 80)
      .link("lib", "usr/lib")
      .link("var/run", "/run")
      .dir("run", 0755, 0, 81);
  bottom.time("usr", 82);
  auto done = stack(top,
                    {{a_file("lib/x"), "1"},
                     {a_file("lib/deep/er/y"), "2"},
                     {a_file("lib/.wh.old"), ""},
                     {a_dir("var"), ""},
                     {a_file("var/run/app/pid"), "3"}},
                    {&bottom});
  REQUIRE(done.ok());
  CHECK(top.content("usr/lib/x") == "1");
  CHECK(top.content("usr/lib/deep/er/y") == "2");
  CHECK(top.content("run/app/pid") == "3");
  CHECK_FALSE(top.exists("lib"));
  CHECK_FALSE(top.exists("var/run"));
  CHECK_FALSE(top.exists("usr/lib/old"));  // nothing of that name below: no whiteout either
  CHECK(top.mode("usr/lib") == 0751);
  CHECK(top.info("usr/lib").st_mtime == 80);
  CHECK(top.info("usr").st_mtime == 82);
  CHECK(top.mode("usr/lib/deep") == 0755);
}

TEST_CASE("content below a symlinked parent merges with what the layer has at its target") {
  if (!can_run()) return;
  Tree bottom, top;
  bottom.dir("usr/lib/sub", 0700).link("lib", "usr/lib");
  TarEntry named = a_dir("usr/lib/sub", 0555);
  named.mtime = {5, 0};
  REQUIRE(stack(top, {{named, ""}, {a_file("usr/lib/sub/a"), "a"}, {a_file("lib/sub/b"), "b"}},
                {&bottom})
              .ok());
  CHECK(top.content("usr/lib/sub/a") == "a");
  CHECK(top.content("usr/lib/sub/b") == "b");
  CHECK(top.mode("usr/lib/sub") == 0555);
  CHECK(top.info("usr/lib/sub").st_mtime == 5);
}

TEST_CASE("a whiteout below a symlinked parent hides the file at its target") {
  if (!can_run()) return;
  Tree bottom, top;
  bottom.file("usr/lib/old", "x").link("lib", "usr/lib");
  REQUIRE(stack(top, {{a_file("lib/.wh.old"), ""}}, {&bottom}).ok());
  CHECK(layer::is_whiteout(top.info("usr/lib/old")));
}

TEST_CASE("a symlink below that leads outside, nowhere or to a file") {
  if (!can_run()) return;
  Tree bottom, outside, dangling;
  bottom.link("out", "../../../etc").link("gone", "no/where").link("odd", "file").file("file", "");
  REQUIRE(stack(outside, {{a_file("out/x"), "1"}}, {&bottom}).ok());
  CHECK(outside.content("etc/x") == "1");
  REQUIRE(stack(dangling, {{a_file("gone/x"), "1"}}, {&bottom}).ok());
  CHECK(dangling.content("no/where/x") == "1");
  Tree onto_file;
  auto done = stack(onto_file, {{a_file("odd/x"), ""}}, {&bottom});
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().kind == ErrorKind::InvalidInput);
}

TEST_CASE("a directory that the tar names replaces the symlink below") {
  if (!can_run()) return;
  Tree bottom, top;
  bottom.dir("usr/lib").link("lib", "usr/lib");
  REQUIRE(stack(top, {{a_dir("lib", 0700), ""}, {a_file("lib/x"), "1"}}, {&bottom}).ok());
  CHECK(top.content("lib/x") == "1");
  CHECK(top.mode("lib") == 0700);
}

TEST_CASE("hard links to a lower file become one copy, metadata included") {
  if (!can_run()) return;
  Tree bottom, top;
  bottom.file("usr/bin/tool", "binary", 04755, 6, 90)
      .xattr("usr/bin/tool", "user.a", "b")
      .link("bin", "usr/bin");
  bottom.time("usr/bin/tool", 90);
  TarEntry dir = a_dir("d");
  dir.mtime = {33, 0};
  REQUIRE(stack(top,
                {{dir, ""},
                 {a_hard_link("d/a", "usr/bin/tool"), ""},
                 {a_hard_link("d/b", "usr/bin/tool"), ""},
                 {a_hard_link("d/c", "bin/tool"), ""}},
                {&bottom})
              .ok());
  CHECK(top.content("d/a") == "binary");
  CHECK(top.mode("d/a") == 04755);
  CHECK(top.info("d/a").st_uid == 6);
  CHECK(top.info("d/a").st_mtime == 90);
  CHECK(top.attribute("d/a", "user.a") == "b");
  CHECK(top.info("d/a").st_ino == top.info("d/b").st_ino);
  CHECK(top.content("d/c") == "binary");
  CHECK(top.info("d").st_mtime == 33);
}

TEST_CASE("a hard link to something that comes later in the same tar is joined") {
  if (!can_run()) return;
  Tree top;
  REQUIRE(stack(top, {{a_hard_link("a", "b"), ""}, {a_file("b"), "x"}}, {}).ok());
  CHECK(top.info("a").st_ino == top.info("b").st_ino);
}

TEST_CASE("a hard link to nothing is an error that names both") {
  if (!can_run()) return;
  Tree bottom, top;
  bottom.file("f", "x");
  auto done = stack(top, {{a_file(".wh.f"), ""}, {a_hard_link("a", "f"), ""}}, {&bottom});
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().kind == ErrorKind::InvalidInput);
  CHECK(done.error().message == "settle layer: a: hard link to f, which does not exist");
}

TEST_CASE("whiteouts that hide nothing go, the others stay") {
  if (!can_run()) return;
  Tree bottom, top;
  bottom.file("d/there", "").file("e/there", "");
  TarEntry d = a_dir("d");
  d.mtime = {12, 0};
  REQUIRE(stack(top,
                {{d, ""},
                 {a_file("d/.wh.there"), ""},
                 {a_file("d/.wh.not"), ""},
                 {a_file(".wh.never"), ""},
                 {a_dir("e"), ""},
                 {a_file("e/.wh..wh..opq"), ""},
                 {a_file("e/.wh.there"), ""}},
                {&bottom})
              .ok());
  CHECK(layer::is_whiteout(top.info("d/there")));
  CHECK_FALSE(top.exists("d/not"));
  CHECK_FALSE(top.exists("never"));
  CHECK_FALSE(top.exists("e/there"));  // an opaque directory is not merged: it would be listed
  CHECK(top.info("d").st_mtime == 12);
}
