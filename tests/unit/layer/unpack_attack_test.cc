// Layers that somebody made to get out of their directory, or to fill the machine.
#include "tests/unit/layer/unpack.h"

using namespace imagebuild;
using namespace imagebuild::testing;

namespace {

/// A tree whose root is a sub-directory, with a file beside it that nobody may touch.
struct Jail {
  Tree outer;
  UniqueFd root;
  Jail() {
    outer.dir("root").file("secret", "untouched");
    root = std::move(*open_file(outer.at("root"), O_RDONLY | O_DIRECTORY));
  }
  Result<UnpackSummary> unpack(const Entries& entries) const {
    const std::string bytes = write_tar(entries);
    TarReader reader(source_from_bytes(bytes));
    return unpack_layer(root.get(), reader, {.keep_owner = false});
  }
  ~Jail() {
    CHECK(outer.content("secret") == "untouched");
    CHECK(layer::list_directory(outer.fd())->size() == 2);
  }
};

}  // namespace

TEST_CASE("dot-dot in a name stays inside") {
  Jail jail;
  REQUIRE(jail.unpack({{a_file("../secret"), "x"}, {a_file("a/../../../secret2"), "y"}}).ok());
  CHECK(jail.outer.content("root/secret") == "x");
  CHECK(jail.outer.content("root/secret2") == "y");
}

TEST_CASE("an absolute name stays inside") {
  Jail jail;
  REQUIRE(jail.unpack({{a_file("/secret"), "x"}}).ok());
  CHECK(jail.outer.content("root/secret") == "x");
}

TEST_CASE("a symlink as parent leads nowhere outside") {
  for (const char* target : {"..", "../..", "/..", "/", "../root/..", "/tmp"}) {
    Jail jail;
    INFO(target);
    REQUIRE(
        jail.unpack(
                {{a_link("out", target), ""}, {a_file("out/secret"), "x"}, {a_dir("out/evil"), ""}})
            .ok());
  }
}

TEST_CASE("a symlink to an existing file outside is replaced, not written through") {
  Jail jail;
  REQUIRE(jail.unpack({{a_link("f", jail.outer.at("secret")), ""}, {a_file("f"), "x"}}).ok());
  CHECK(jail.outer.content("root/f") == "x");
}

TEST_CASE("a chain of symlinks leads nowhere outside") {
  Jail jail;
  REQUIRE(jail.unpack({{a_dir("a"), ""},
                       {a_link("a/b", ".."), ""},
                       {a_link("c", "a/b/.."), ""},
                       {a_file("c/../secret"), "x"},
                       {a_file("c/secret3"), "y"}})
              .ok());
  CHECK(jail.outer.content("root/secret3") == "y");
}

TEST_CASE("a hard link to a file outside is not made") {
  for (const char* target : {"../secret", "/../secret"}) {
    Jail jail;
    auto summary = jail.unpack({{a_hard_link("steal", target), ""}});
    REQUIRE(summary.ok());
    CHECK(summary->deferred_hard_links.size() == 1);
    CHECK_FALSE(jail.outer.exists("root/steal"));
  }
  Jail jail;
  auto summary = jail.unpack({{a_link("out", ".."), ""}, {a_hard_link("steal", "out/secret"), ""}});
  REQUIRE(summary.ok());
  CHECK_FALSE(jail.outer.exists("root/steal"));
}

TEST_CASE("a symlink loop as parent is an error, not a hang") {
  Jail jail;
  auto summary = jail.unpack({{a_link("a", "b"), ""}, {a_link("b", "a"), ""}, {a_file("a/x"), ""}});
  REQUIRE_FALSE(summary.ok());
  CHECK(summary.error().kind == ErrorKind::InvalidInput);
  CHECK(summary.error().message.find("a/x") != std::string::npos);
}

TEST_CASE("a whiteout leads nowhere outside and has a name") {
  for (const char* name : {".wh.", ".wh...", ".wh..", "d/.wh..."}) {
    Jail jail;
    INFO(name);
    auto summary = jail.unpack({{a_file(name), ""}});
    REQUIRE_FALSE(summary.ok());
    CHECK(summary.error().kind == ErrorKind::InvalidInput);
  }
  Jail jail;
  REQUIRE(jail.unpack({{a_link("out", ".."), ""}, {a_file("out/.wh.secret"), ""}}).ok());
}

TEST_CASE("overlay's own attributes in a tar are dropped") {
  Jail jail;
  TarEntry evil = a_dir("d");
  evil.xattrs = {{"user.overlay.opaque", "y"},
                 {"user.overlay.redirect", "/etc"},
                 {"trusted.overlay.opaque", "y"}};
  REQUIRE(jail.unpack({{evil, ""}}).ok());
  CHECK(jail.outer.opaque("root/d").empty());
  CHECK(jail.outer.attribute("root/d", "user.overlay.redirect").empty());
}

TEST_CASE("a 0:0 device is no way to smuggle in a whiteout") {
  Jail jail;
  auto summary = jail.unpack({{{.path = "etc", .type = EntryType::CharDevice}, ""}});
  REQUIRE_FALSE(summary.ok());
  CHECK(summary.error().message == "unpack etc: character device 0:0");
}

TEST_CASE("owners that no mapping has are refused with file and id") {
  if (!may_chown()) return;
  Tree tree;
  TarEntry entry = a_file("home/big");
  entry.uid = 65535;
  auto summary = unpack(tree, {{entry, ""}});
  REQUIRE_FALSE(summary.ok());
  CHECK(summary.error().kind == ErrorKind::InvalidInput);
  CHECK(summary.error().message ==
        "unpack home/big: owner 65535:0: ids from 65535 on are not mapped");
  entry.uid = 65534;
  CHECK(unpack(tree, {{entry, ""}}).ok());
}

TEST_CASE("contents beyond the limit are refused before they are written") {
  Tree tree;
  auto summary =
      unpack(tree, {{a_file("a"), std::string(600, 'a')}, {a_file("b"), std::string(600, 'b')}},
             {.bytes = 1000, .keep_owner = false});
  REQUIRE_FALSE(summary.ok());
  CHECK(summary.error().message == "unpack b: layer unpacks to more than 1000 bytes");
  CHECK_FALSE(tree.exists("b"));
}

TEST_CASE("the root can be neither file nor link") {
  Jail jail;
  CHECK(jail.unpack({{a_link(".", "/etc"), ""}}).error().kind == ErrorKind::InvalidInput);
  CHECK(jail.unpack({{a_file("a/.."), ""}}).error().kind == ErrorKind::InvalidInput);
  CHECK(jail.unpack({{a_hard_link("x", "/"), ""}}).error().kind == ErrorKind::InvalidInput);
}

TEST_CASE("a file as parent is an error that names it") {
  Jail jail;
  auto summary = jail.unpack({{a_file("f"), ""}, {a_file("f/x"), ""}});
  REQUIRE_FALSE(summary.ok());
  CHECK(summary.error().message == "unpack f/x: f is not a directory");
}

TEST_CASE("a directory's hard link is refused") {
  Jail jail;
  CHECK(jail.unpack({{a_dir("d"), ""}, {a_hard_link("x", "d"), ""}}).error().kind ==
        ErrorKind::InvalidInput);
}

TEST_CASE("setuid is kept although the owner changes after it was written") {
  if (!may_chown()) return;
  Tree tree;
  TarEntry entry = a_file("su", 06755);
  entry.uid = entry.gid = 1;
  REQUIRE(unpack(tree, {{entry, "x"}}).ok());
  CHECK(tree.mode("su") == 06755);
}
