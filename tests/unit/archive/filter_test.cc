#include "common/archive/filter.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace std::string_literals;

namespace {

// `printf 'hello\n' | bzip2 -9` and `| xz -9`.
const std::string kBzip2 =
    "\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\xc1\xc0\x80\xe2\x00\x00\x01\x41\x00\x00\x10\x02\x44"
    "\xa0"
    "\x00\x30\xcd\x00\xc3\x46\x29\x97\x17\x72\x45\x38\x50\x90\xc1\xc0\x80\xe2"s;
const std::string kXz =
    "\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x1c\x00\x00\x00\x10\xcf\x58"
    "\xcc"
    "\x01\x00\x05\x68\x65\x6c\x6c\x6f\x0a\x00\x00\x00\xa5\x60\x97\xf1\x94\xf6\xfd\xe0\x00\x01\x1e"
    "\x06"
    "\xc1\x2f\xa4\x1d\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a"s;

Result<std::string> plain(const std::string& compressed) {
  auto source = open_bzip2_or_xz(source_from_bytes(compressed));
  std::string bytes;
  TRY(pump(source, [&](std::string_view part) -> Result<void> {
    bytes += part;
    return {};
  }));
  return bytes;
}

}  // namespace

TEST_CASE("bzip2 and xz are known by their first bytes and read to their end") {
  for (const std::string& compressed : {kBzip2, kXz}) {
    CHECK(is_bzip2_or_xz(compressed));
    auto bytes = plain(compressed);
    REQUIRE(bytes.ok());
    CHECK(*bytes == "hello\n");
  }
  CHECK_FALSE(is_bzip2_or_xz("\x1f\x8b\x08\0\0\0"s));
  CHECK_FALSE(is_bzip2_or_xz(""));
}

TEST_CASE("what is damaged or cut off is refused") {
  std::string flipped = kXz;
  flipped[30] ^= 1;
  for (const std::string& bytes : {flipped, kXz.substr(0, 40), kBzip2.substr(0, 30)}) {
    auto read = plain(bytes);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().kind == ErrorKind::InvalidInput);
  }
}

TEST_CASE("an error of the source arrives as it was") {
  auto source = open_bzip2_or_xz(
      [](std::span<char>) -> Result<std::size_t> { return fail(ErrorKind::Transient, "cable"); });
  char buffer[10];
  auto read = source(buffer);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().message == "cable");
}
