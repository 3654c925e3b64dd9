#include "common/oci/digest.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::oci;

TEST_CASE("a digest reads and writes itself") {
  auto digest = Digest::of("hello");
  CHECK(digest.to_string() ==
        "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  CHECK(digest.hex12() == "2cf24dba5fb0");
  CHECK(*Digest::parse(digest.to_string()) == digest);
  CHECK(*Digest::from_hex(digest.hex()) == digest);
  CHECK(Digest().empty());
  CHECK(Digest().to_string().empty());
}

TEST_CASE("what is no SHA-256 digest is refused with the reason") {
  struct Row {
    std::string text, reason;
  };
  std::string hex(64, 'a');
  const Row rows[] = {
      {"", "expected sha256:"},
      {hex, "expected sha256:"},
      {"sha512:" + hex + hex, "unsupported algorithm"},
      {"md5:" + hex, "unsupported algorithm"},
      {"sha256:" + hex.substr(1), "64 lower-case hex"},
      {"sha256:" + hex + "a", "64 lower-case hex"},
      {"sha256:" + std::string(64, 'A'), "64 lower-case hex"},
      {"sha256:../../../../etc/passwd", "64 lower-case hex"},
      {"sha256:" + std::string(63, 'a') + "\n", "64 lower-case hex"},
  };
  for (const auto& row : rows) {
    auto digest = Digest::parse(row.text);
    CAPTURE(row.text);
    REQUIRE_FALSE(digest.ok());
    CHECK(digest.error().kind == ErrorKind::InvalidInput);
    CHECK(digest.error().message.find(row.reason) != std::string::npos);
    CHECK_FALSE(DiffId::parse(row.text).ok());
  }
}

TEST_CASE("a megabyte that is no digest does not fill the message") {
  CHECK(Digest::parse(std::string(1 << 20, 'x')).error().message.size() < 300);
}
