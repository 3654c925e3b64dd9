#include "builder/layer/diff.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "tests/support/archives.h"
#include "tests/unit/layer/tree.h"

using namespace imagebuild;
using namespace imagebuild::testing;

namespace {

Entries diff(const Tree& upper, const Tree* lower, DiffOptions options = {},
             DiffSummary* summary = nullptr) {
  std::string bytes;
  TarWriter tar([&](std::string_view part) -> Result<void> {
    bytes += part;
    return {};
  });
  auto done = diff_upper(upper.fd(), lower == nullptr ? -1 : lower->fd(), options, tar);
  if (!done.ok()) FAIL(done.error().message);
  if (summary != nullptr) *summary = *done;
  REQUIRE(tar.finish().ok());
  auto entries = read_tar(bytes);
  REQUIRE(entries.ok());
  return *entries;
}

std::string names(const Entries& entries) {
  std::string text;
  for (const auto& [entry, content] : entries) text += (text.empty() ? "" : " ") + entry.path;
  return text;
}

bool can_run() { return may_chown() && has_user_xattrs(); }

}  // namespace

TEST_CASE("entries are relative, sorted and complete") {
  if (!can_run()) return;
  Tree upper;
  upper.file("b/z", "1").file("b/a", "2").file("a", "3").file("b.x", "4").link("c", "b");
  DiffSummary summary;
  auto entries = diff(upper, nullptr, {}, &summary);
  CHECK(names(entries) == "a b b/a b/z b.x c");
  CHECK(summary.entries == 6);
  CHECK(summary.bytes == 4);
  CHECK(summary.whiteouts == 0);
}

TEST_CASE("a removed name becomes a whiteout, if there was one") {
  if (!can_run()) return;
  Tree lower, upper;
  lower.file("d/old", "x").dir("olddir");
  upper.dir("d", 0755, 0, 200).whiteout("d/old").whiteout("d/never").whiteout("olddir");
  upper.time("d", 200);
  DiffSummary summary;
  auto entries = diff(upper, &lower, {}, &summary);
  CHECK(names(entries) == "d d/.wh.old .wh.olddir");
  CHECK(summary.whiteouts == 2);
  CHECK(names(diff(upper, nullptr)) == "d");
}

TEST_CASE("a file that would remove another is refused, not written") {
  if (!can_run()) return;
  Tree upper;
  upper.file("d/.wh.passwd", "1");
  TarWriter tar([](std::string_view) -> Result<void> { return {}; });
  auto done = diff_upper(upper.fd(), -1, {}, tar);
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().kind == ErrorKind::InvalidInput);
  CHECK(done.error().message.find("/d/.wh.passwd: image layers cannot hold") != std::string::npos);
}

TEST_CASE("an opaque directory says so only where it hides one") {
  if (!can_run()) return;
  Tree lower, upper;
  lower.file("d/old", "x").file("f", "was a file");
  for (const char* name : {"d", "f", "new"})
    upper.dir(name).xattr(name, "user.overlay.opaque", "y");
  upper.file("d/fresh", "");
  auto entries = diff(upper, &lower);
  CHECK(names(entries) == "d d/.wh..wh..opq d/fresh f new");
  for (const auto& [entry, content] : entries) CHECK(entry.xattrs.empty());
}

TEST_CASE("a directory that was only copied up appears when something in it changed") {
  if (!can_run()) return;
  Tree lower, upper;
  lower.dir("usr/lib").dir("usr/share").dir("var");
  upper.dir("usr/lib").dir("usr/share").dir("var");
  for (Tree* tree : {&lower, &upper}) tree->time("usr", 100);
  CHECK(names(diff(upper, &lower)) == "");
  upper.file("usr/lib/new", "x");
  upper.time("usr/lib", 100);
  CHECK(names(diff(upper, &lower)) == "usr usr/lib usr/lib/new");
  upper.dir("var", 0700);
  CHECK(names(diff(upper, &lower)) == "usr usr/lib usr/lib/new var");
}

TEST_CASE("a file that was copied up and is the same is left out") {
  if (!can_run()) return;
  Tree lower, upper;
  for (Tree* tree : {&lower, &upper})
    tree->file("same", "content")
        .file("bytes", tree == &upper ? "aXc" : "abc")
        .file("mode", "", tree == &upper ? 0600 : 0644)
        .file("time", "", 0644, 0, tree == &upper ? 7 : 8)
        .file("owner", "", 0644, tree == &upper ? 1 : 2);
  CHECK(names(diff(upper, &lower)) == "bytes mode owner time");
}

TEST_CASE("hard links: the first sorted name has the content") {
  if (!can_run()) return;
  Tree upper;
  upper.file("z", "shared").hard("a", "z").hard("m", "z");
  auto entries = diff(upper, nullptr);
  REQUIRE(names(entries) == "a m z");
  CHECK(entries[0].second == "shared");
  CHECK(entries[1].first.type == EntryType::HardLink);
  CHECK(entries[1].first.link_target == "a");
  CHECK(entries[2].first.link_target == "a");
}

TEST_CASE("attributes travel, overlay's and the machine's do not") {
  if (!can_run()) return;
  Tree upper;
  upper.file("f", "x").xattr("f", "user.keep", "1").xattr("f", "user.overlay.origin", "2");
  auto entries = diff(upper, nullptr);
  CHECK(entries[0].first.xattrs == std::map<std::string, std::string>{{"user.keep", "1"}});
}

TEST_CASE("sockets are left out") {
  if (!can_run()) return;
  Tree upper;
  upper.file("f", "");
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", upper.at("s").c_str());
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(names(diff(upper, nullptr)) == "f");
}

TEST_CASE("times are clamped on request only") {
  if (!can_run()) return;
  Tree upper;
  upper.file("new", "", 0644, 0, 5000).file("old", "", 0644, 0, 10);
  CHECK(diff(upper, nullptr)[0].first.mtime.seconds == 5000);
  auto clamped = diff(upper, nullptr, {.clamp_mtime = 1000});
  CHECK(clamped[0].first.mtime == Timestamp{1000, 0});
  CHECK(clamped[1].first.mtime == Timestamp{10, 0});
}

TEST_CASE("type changes are plain entries") {
  if (!can_run()) return;
  Tree lower, upper;
  lower.dir("was-dir").file("was-file", "").link("was-link", "x");
  upper.link("was-dir", "elsewhere").dir("was-file").file("was-link", "now a file");
  auto entries = diff(upper, &lower);
  REQUIRE(names(entries) == "was-dir was-file was-link");
  CHECK(entries[0].first.type == EntryType::Symlink);
  CHECK(entries[1].first.type == EntryType::Directory);
  CHECK(entries[2].second == "now a file");
}
