// Archives that somebody made to hurt.
#include "tests/support/archives.h"

using namespace imagebuild;
using namespace imagebuild::testing;

TEST_CASE("a name beyond the limit is refused before anything is made of it") {
  auto bytes = write_tar({{{.path = std::string(5000, 'n')}, ""}});
  auto read = read_tar(bytes);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().kind == ErrorKind::InvalidInput);
  CHECK(read.error().message.find("name of 5000 bytes") != std::string::npos);
}

TEST_CASE("a link target beyond the limit is refused") {
  auto read = read_tar(write_tar(
      {{{.path = "s", .type = EntryType::Symlink, .link_target = std::string(5000, 't')}, ""}}));
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().message.find("entry s: link target") != std::string::npos);
}

TEST_CASE("extended attributes beyond the limit are refused") {
  TarEntry entry{.path = "fat"};
  entry.xattrs["user.fat"] = std::string(300 << 10, 'x');
  auto read = read_tar(write_tar({{entry, ""}}));
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().kind == ErrorKind::InvalidInput);
  CHECK(read.error().message.find("entry fat") != std::string::npos);
}

TEST_CASE("an extended header of a gigabyte is refused, not allocated") {
  auto read = read_tar(raw_header("PaxHeaders/x", 1u << 30, 'x') + std::string(4096, 'x'));
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().kind == ErrorKind::InvalidInput);
  auto name = read_tar(raw_header("././@LongLink", 1u << 30, 'L') + std::string(4096, 'x'));
  REQUIRE_FALSE(name.ok());
  CHECK(name.error().kind == ErrorKind::InvalidInput);
}

TEST_CASE("more entries than allowed are refused") {
  auto bytes = write_tar({{{.path = "a"}, ""}, {{.path = "b"}, ""}, {{.path = "c"}, ""}});
  CHECK(read_tar(bytes, {.entries = 3}).ok());
  CHECK(read_tar(bytes, {.entries = 2}).error().kind == ErrorKind::InvalidInput);
}

TEST_CASE("an owner that no user id can hold is refused") {
  auto read = read_tar(pax_header(pax_record("uid", "4294967295")) + raw_header("f", 0, '0') +
                       end_of_archive());
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().message.find("entry f: uid 4294967295") != std::string::npos);
}

TEST_CASE("garbage, a damaged checksum and a cut file are InvalidInput") {
  CHECK(read_tar("this is no archive at all" + std::string(2000, '#')).error().kind ==
        ErrorKind::InvalidInput);
  std::string damaged = write_tar({{{.path = "first"}, "x"}, {{.path = "second"}, "y"}});
  damaged[1024 + 3] ^= 1;
  auto read = read_tar(damaged);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().kind == ErrorKind::InvalidInput);
  CHECK(read.error().message.find("first") != std::string::npos);
  std::string whole = write_tar({{{.path = "long"}, std::string(10000, 'x')}});
  auto cut = read_tar(whole.substr(0, 5000));
  REQUIRE_FALSE(cut.ok());
  CHECK(cut.error().message.find("long") != std::string::npos);
}

TEST_CASE("sparse files are expanded, their maps are bounded by the file's size") {
  // GNU.sparse 0.1: the map stands in the extended header, the data without its holes in the body.
  auto sparse = [](const std::string& map, const std::string& size) {
    return pax_header(pax_record("GNU.sparse.major", "0") + pax_record("GNU.sparse.minor", "1") +
                      pax_record("GNU.sparse.name", "sparse") +
                      pax_record("GNU.sparse.size", size) +
                      pax_record("GNU.sparse.numblocks", "1") + pax_record("GNU.sparse.map", map)) +
           raw_header("GNUSparseFile.0/sparse", 4, '0') + padded("DATA") + end_of_archive();
  };
  auto read = read_tar(sparse("100000,4", "200000"));
  REQUIRE(read.ok());
  CHECK((*read)[0].first.size == 200000);
  CHECK((*read)[0].second == std::string(100000, '\0') + "DATA" + std::string(99996, '\0'));
  auto beyond = read_tar(sparse("100000,4", "1000"));
  REQUIRE_FALSE(beyond.ok());
  CHECK(beyond.error().kind == ErrorKind::InvalidInput);
}
