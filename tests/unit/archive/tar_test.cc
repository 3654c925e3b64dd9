#include "tests/support/archives.h"

using namespace imagebuild;
using namespace imagebuild::testing;

namespace {

TarEntry file(std::string path) { return TarEntry{.path = std::move(path)}; }

}  // namespace

TEST_CASE("every kind of entry round-trips") {
  Entries written = {
      {{.path = "d",
        .type = EntryType::Directory,
        .mode = 01777,
        .uid = 5,
        .gid = 6,
        .mtime = {1000, 0}},
       ""},
      {{.path = "d/f", .mode = 04755, .uid = 65534, .gid = 3'000'000'000, .mtime = {12, 345}},
       "content"},
      {{.path = "d/empty"}, ""},
      {{.path = "d/h", .type = EntryType::HardLink, .link_target = "d/f"}, ""},
      {{.path = "d/s", .type = EntryType::Symlink, .mode = 0777, .link_target = "../elsewhere"},
       ""},
      {{.path = "c", .type = EntryType::CharDevice, .device_major = 1, .device_minor = 3}, ""},
      {{.path = "b", .type = EntryType::BlockDevice, .device_major = 259, .device_minor = 300}, ""},
      {{.path = "p", .type = EntryType::Fifo}, ""},
  };
  auto read = read_tar(write_tar(written));
  REQUIRE(read.ok());
  REQUIRE(read->size() == written.size());
  for (std::size_t i = 0; i < written.size(); ++i) {
    const auto& [expected, expected_content] = written[i];
    const auto& [entry, content] = (*read)[i];
    INFO(expected.path);
    CHECK(entry.path == expected.path);
    CHECK(entry.type == expected.type);
    CHECK(entry.mode == expected.mode);
    CHECK(entry.uid == expected.uid);
    CHECK(entry.gid == expected.gid);
    CHECK(entry.mtime == expected.mtime);
    CHECK(entry.link_target == expected.link_target);
    CHECK(entry.device_major == expected.device_major);
    CHECK(entry.device_minor == expected.device_minor);
    CHECK(entry.size == expected_content.size());
    CHECK(content == expected_content);
  }
}

TEST_CASE("names survive byte for byte") {
  const std::string name =
      GENERATE(std::string("plain"), std::string("f\xc5\x91tan\xc3\xbas.crt"),
               std::string("latin\xff\xfe"), std::string("line\nbreak"), std::string(99, 'x'),
               std::string(300, 'y'), std::string(120, 'd') + "/" + std::string(200, '\xe9'),
               std::string("trailing "), std::string("e\xcc\x81 is not \xc3\xa9"));
  auto read = read_tar(
      write_tar({{file(name), "x"},
                 {{.path = "hard", .type = EntryType::HardLink, .link_target = name}, ""},
                 {{.path = "soft", .type = EntryType::Symlink, .link_target = name}, ""}}));
  REQUIRE(read.ok());
  REQUIRE(read->size() == 3);
  CHECK((*read)[0].first.path == name);
  CHECK((*read)[1].first.link_target == name);
  CHECK((*read)[2].first.link_target == name);
}

TEST_CASE("names in a PAX header without hdrcharset are bytes too, as Go writes them") {
  const std::string name = GENERATE(std::string("bad\xff\xfename"), std::string("f\xc5\x91.crt"));
  auto read = read_tar(pax_header(pax_record("path", name)) + raw_header("short", 0, '0') +
                       pax_header(pax_record("path", "h") + pax_record("linkpath", name)) +
                       raw_header("h", 0, '1', "short") + end_of_archive());
  REQUIRE(read.ok());
  REQUIRE(read->size() == 2);
  CHECK((*read)[0].first.path == name);
  CHECK((*read)[1].first.link_target == name);
}

TEST_CASE("extended attributes keep binary values") {
  TarEntry entry = file("f");
  entry.xattrs["security.capability"] = std::string("\x01\x00\x00\x02\x00\x04\n=\x00", 9);
  entry.xattrs["user.empty"] = "";
  entry.xattrs["user.text"] = "a=b\nc";
  auto read = read_tar(write_tar({{entry, "x"}}));
  REQUIRE(read.ok());
  CHECK((*read)[0].first.xattrs == entry.xattrs);
}

TEST_CASE("extended headers appear only where a value needs one") {
  CHECK(write_tar({{file("f"), "x"}}).size() == 512 + 512 + 1024);
  TarEntry precise = file("f");
  precise.mtime = {1, 1};
  CHECK(write_tar({{precise, "x"}}).size() == 2 * 512 + 512 + 512 + 1024);
}

TEST_CASE("the same entries give the same bytes") {
  Entries entries = {{file("a\xff"), "1"}, {file(std::string(200, 'b')), "2"}};
  CHECK(write_tar(entries) == write_tar(entries));
}

TEST_CASE("unread content is skipped and the source is read to its end") {
  std::string bytes = write_tar({{file("a"), std::string(1 << 20, 'a')}, {file("b"), "b"}}) +
                      std::string(9000, '\0');
  std::size_t given = 0;
  auto source = source_from_bytes(bytes);
  TarReader reader([&](std::span<char> buffer) -> Result<std::size_t> {
    auto n = source(buffer.subspan(0, std::min<std::size_t>(buffer.size(), 700)));
    given += *n;
    return n;
  });
  REQUIRE(reader.next()->has_value());
  auto second = reader.next();
  REQUIRE(second.ok());
  CHECK((*second)->path == "b");
  CHECK_FALSE(reader.next()->has_value());
  CHECK(given == bytes.size());
  CHECK_FALSE(reader.next()->has_value());
}

TEST_CASE("an archive of nothing has no entries") {
  auto read = read_tar(write_tar({}));
  REQUIRE(read.ok());
  CHECK(read->empty());
}

TEST_CASE("a writer holds its caller to the size it announced") {
  std::string bytes;
  TarWriter writer([&](std::string_view part) -> Result<void> {
    bytes += part;
    return {};
  });
  TarEntry entry = file("f");
  entry.size = 4;
  REQUIRE(writer.begin(entry).ok());
  REQUIRE(writer.write("ab").ok());
  CHECK(writer.begin(file("g")).error().kind == ErrorKind::Internal);
  CHECK(writer.finish().error().kind == ErrorKind::Internal);
  CHECK(writer.write("cde").error().kind == ErrorKind::Internal);
  REQUIRE(writer.write("cd").ok());
  REQUIRE(writer.finish().ok());
}

TEST_CASE("a writer dropped before finish() leaves a truncated archive") {
  std::string bytes;
  {
    TarWriter writer([&](std::string_view part) -> Result<void> {
      bytes += part;
      return {};
    });
    REQUIRE(writer.begin(file("f")).ok());
  }
  CHECK(bytes.find(end_of_archive()) == std::string::npos);
}

TEST_CASE("the error of a source or a sink arrives as it was") {
  TarReader reader([](std::span<char>) -> Result<std::size_t> {
    return fail(ErrorKind::Denied, "digest differs");
  });
  CHECK(reader.next().error().message == "digest differs");
  TarWriter writer(
      [](std::string_view) -> Result<void> { return fail(ErrorKind::Transient, "disk full"); });
  TarEntry big = file("f");
  big.size = 1 << 20;
  REQUIRE(writer.begin(big).ok());
  auto written = writer.write(std::string(1 << 20, 'x'));
  REQUIRE_FALSE(written.ok());
  CHECK(written.error().kind == ErrorKind::Transient);
  CHECK(written.error().message == "disk full");
}
