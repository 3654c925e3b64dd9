#include "builder/layer/archive.h"

#include <fcntl.h>

#include "tests/support/archives.h"
#include "tests/unit/layer/unpack.h"

using namespace imagebuild;
using namespace imagebuild::testing;

namespace {

/// The archive's entries as they come out, one line each, or the error.
std::string extracted(const std::string& archive, const ArchiveRequest& request) {
  Tree tree;
  tree.file("archive", archive);
  auto fd = open_file(tree.at("archive"), O_RDONLY);
  REQUIRE(fd.ok());
  std::string bytes;
  TarWriter tar([&](std::string_view part) -> Result<void> {
    bytes += part;
    return {};
  });
  auto summary = archive_to_tar(fd->get(), request, tar);
  if (!summary)
    return std::string(to_string(summary.error().kind)) + ": " + summary.error().message;
  REQUIRE(tar.finish().ok());
  auto entries = read_tar(bytes);
  REQUIRE(entries.ok());
  CHECK(summary->entries == entries->size());
  std::ostringstream out;
  for (const auto& [entry, content] : *entries) {
    out << entry.path << ' ' << std::oct << entry.mode << std::dec << ' ' << entry.uid << ':'
        << entry.gid << " @" << entry.mtime.seconds;
    if (!entry.link_target.empty()) out << " -> " << entry.link_target;
    if (!content.empty()) out << " \"" << content << '"';
    out << '\n';
  }
  return out.str();
}

ArchiveRequest to(std::string path, DestinationKind kind = DestinationKind::Directory) {
  return {.destination = {.path = std::move(path), .kind = kind}};
}

bool looks_like_archive(const std::string& bytes) {
  Tree tree;
  tree.file("f", bytes);
  auto fd = open_file(tree.at("f"), O_RDONLY);
  REQUIRE(fd.ok());
  auto answer = is_archive(fd->get());
  REQUIRE(answer.ok());
  return *answer;
}

TarEntry owned(TarEntry entry, std::uint32_t uid, std::uint32_t gid, std::int64_t mtime) {
  entry.uid = uid;
  entry.gid = gid;
  entry.mtime = {mtime, 0};
  return entry;
}

}  // namespace

TEST_CASE("an archive's entries keep owner, mode and time below the destination") {
  const std::string archive = write_tar({{owned(a_dir(".", 0700), 9, 9, 9), ""},
                                         {owned(a_dir("./d", 01777), 5, 6, 7), ""},
                                         {owned(a_file("./d/f", 04755), 1000, 1001, 50), "hi"},
                                         {a_hard_link("d/g", "./d/f"), ""},
                                         {a_link("l", "/etc"), ""}});
  CHECK(extracted(archive, to("/opt")) ==
        "opt/d 1777 5:6 @7\n"
        "opt/d/f 4755 1000:1001 @50 \"hi\"\n"
        "opt/d/g 644 0:0 @0 -> opt/d/f\n"
        "opt/l 777 0:0 @0 -> /etc\n");
  auto chosen = to("/a/b", DestinationKind::Missing);
  chosen.destination.missing_parents = {"/a"};
  chosen.owner = CopyOwner{3, 4};
  chosen.made_mtime = 11;
  chosen.latest_mtime = 20;
  CHECK(extracted(archive, chosen) ==
        "a 755 3:4 @11\n"
        "a/b 755 3:4 @11\n"
        "a/b/d 1777 3:4 @7\n"
        "a/b/d/f 4755 3:4 @20 \"hi\"\n"
        "a/b/d/g 644 3:4 @0 -> a/b/d/f\n"
        "a/b/l 777 3:4 @0 -> /etc\n");
}

TEST_CASE("a symlink of an archive is followed below the destination only") {
  CHECK(extracted(write_tar({{a_link("d", "/etc"), ""}, {a_file("d/passwd"), "x"}}), to("/opt")) ==
        "opt/d 777 0:0 @0 -> /etc\n"
        "opt/etc/passwd 644 0:0 @0 \"x\"\n");
  CHECK(extracted(write_tar({{a_link("d", "../../etc"), ""}, {a_file("d/passwd"), "x"}}),
                  to("/opt")) ==
        "opt/d 777 0:0 @0 -> ../../etc\n"
        "opt/etc/passwd 644 0:0 @0 \"x\"\n");
  // Replaced by a directory it leads nowhere any more.
  CHECK(extracted(write_tar({{a_link("d", "/etc"), ""}, {a_dir("d"), ""}, {a_file("d/f"), "x"}}),
                  to("/opt")) ==
        "opt/d 777 0:0 @0 -> /etc\n"
        "opt/d 755 0:0 @0\n"
        "opt/d/f 644 0:0 @0 \"x\"\n");
}

TEST_CASE("what an archive may not hold") {
  struct Row {
    Entries entries;
    const char* error;
  };
  for (const Row& row : {
           Row{{{a_file("../f"), "x"}}, "InvalidInput: ../f: the name leads out of the archive"},
           {{{a_file("a/../../f"), "x"}},
            "InvalidInput: a/../../f: the name leads out of the archive"},
           {{{a_hard_link("f", "../../etc/shadow"), ""}},
            "InvalidInput: f: the name leads out of the archive"},
           {{{a_hard_link("f", "."), ""}}, "InvalidInput: f: a hard link to the root"},
           {{{a_link("a", "b"), ""}, {a_link("b", "a"), ""}, {a_file("a/f"), ""}},
            "InvalidInput: a/f: "},
           {{{a_file("d/.wh.f"), ""}}, "InvalidInput: d/.wh.f: "},
           {{{a_file("d/.wh.d/f"), ""}}, "InvalidInput: d/.wh.d/f: "},
           {{{a_file("d/.wh..wh..opq"), ""}}, "InvalidInput: d/.wh..wh..opq: "},
       }) {
    const std::string said = extracted(write_tar(row.entries), to("/opt"));
    INFO(said);
    CHECK(said.starts_with(row.error));
  }
  CHECK(extracted(write_tar({{a_file("f"), ""}}), to("/etc/passwd", DestinationKind::Other)) ==
        "InvalidInput: /etc/passwd is not a directory");
  const std::string whole = write_tar({{a_file("f"), std::string(5000, 'x')}});
  CHECK(extracted(whole.substr(0, 2000), to("/")).starts_with("InvalidInput: "));
}

TEST_CASE("an archive is known by its content") {
  const std::string tar = write_tar({{a_file("f"), std::string(5000, 'x')}});
  CHECK(looks_like_archive(tar));
  CHECK(looks_like_archive(tar.substr(0, 2000)));
  for (const std::string& bytes : {std::string(), std::string("hello\n"), std::string(10240, '\0'),
                                   tar.substr(100), tar.substr(0, 300), std::string("\x1f\x8b", 2),
                                   std::string("\x1f\x8b damaged"), std::string("BZh91 damaged"),
                                   std::string("\xfd"
                                               "7zXZ\0 damaged",
                                               14),
                                   std::string("\x28\xb5\x2f\xfd damaged")})
    CHECK_FALSE(looks_like_archive(bytes));
}
