#include "builder/layer/compression.h"

#include <zlib.h>
#include <zstd.h>

#include <random>

#include "tests/support/catch.h"

using namespace imagebuild;

namespace {

constexpr std::uint64_t kPlenty = 1 << 30;

template <typename Compressor, typename Options>
std::string compress(std::string_view bytes, Options options) {
  std::string out;
  Compressor compressor(
      [&](std::string_view part) -> Result<void> {
        out += part;
        return {};
      },
      options);
  REQUIRE(compressor.write(bytes.substr(0, bytes.size() / 3)).ok());
  REQUIRE(compressor.write(bytes.substr(bytes.size() / 3)).ok());
  REQUIRE(compressor.finish().ok());
  return out;
}

std::string gzip(std::string_view bytes, GzipOptions options = {}) {
  return compress<GzipCompressor>(bytes, options);
}

std::string zstd(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

/// Decompresses from a source that gives `step` bytes at a time.
Result<std::string> plain(std::string compressed, std::uint64_t limit = kPlenty,
                          std::size_t step = 1 << 20) {
  auto whole = source_from_bytes(compressed);
  auto source = open_decompressor(
      [&](std::span<char> buffer) { return whole(buffer.first(std::min(buffer.size(), step))); },
      limit);
  std::string out;
  std::vector<char> buffer(70'000);
  for (;;) {
    std::size_t n = TRY(source(buffer));
    if (n == 0) return out;
    out.append(buffer.data(), n);
  }
}

std::string text_of(std::size_t size) {
  std::mt19937 random(7);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>('a' + random() % 9);
  return text;
}

}  // namespace

TEST_CASE("gzip round-trips at every size around the block") {
  const std::size_t size =
      GENERATE(0u, 1u, (1u << 20) - 1, 1u << 20, (1u << 20) + 1, (5u << 20) + 77);
  const std::string text = text_of(size);
  CHECK(*plain(gzip(text)) == text);
  CHECK(*plain(gzip(text, {.level = 1, .threads = 3})) == text);
}

TEST_CASE("zstd round-trips, and a higher level is smaller") {
  const std::size_t size = GENERATE(0u, 1u, (2u << 20) - 1, 2u << 20, (9u << 20) + 77);
  const std::string text = text_of(size);
  const std::string fast = compress<ZstdCompressor>(text, ZstdOptions{});
  CHECK(detect_compression(fast) == Compression::Zstd);
  CHECK(*plain(fast) == text);
  const std::string small = compress<ZstdCompressor>(text, ZstdOptions{.level = 19, .threads = 2});
  CHECK(*plain(small) == text);
  CHECK(small.size() <= fast.size());
}

TEST_CASE("the bytes do not depend on the number of threads") {
  const std::string text = text_of((9 << 20) + 5);
  const std::string one = gzip(text);
  CHECK(gzip(text, {.threads = 2}) == one);
  CHECK(gzip(text, {.threads = 7}) == one);
  const std::string frame = compress<ZstdCompressor>(text, ZstdOptions{});
  CHECK(compress<ZstdCompressor>(text, ZstdOptions{.threads = 2}) == frame);
  CHECK(compress<ZstdCompressor>(text, ZstdOptions{.threads = 7}) == frame);
}

TEST_CASE("gzip carries no time and no name, and zlib reads it") {
  const std::string text = text_of(3 << 20);
  const std::string compressed = gzip(text);
  CHECK(compressed.substr(3, 5) == std::string(5, '\0'));  // flags and mtime
  std::string out(text.size(), '\0');
  std::string_view rest = compressed;
  std::size_t done = 0;
  while (!rest.empty()) {
    z_stream stream = {};
    REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
    stream.avail_in = static_cast<uInt>(rest.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + done);
    stream.avail_out = static_cast<uInt>(out.size() - done);
    REQUIRE(inflate(&stream, Z_FINISH) == Z_STREAM_END);
    done += stream.total_out;
    rest.remove_prefix(stream.total_in);
    inflateEnd(&stream);
  }
  CHECK(out == text);
}

TEST_CASE("the format is recognised by its bytes, however slowly they come") {
  const std::string text = text_of(300'000);
  const std::size_t step = GENERATE(1u, 3u, 1000u, 1u << 20);
  CHECK(*plain(gzip(text), kPlenty, step) == text);
  CHECK(*plain(zstd(text), kPlenty, step) == text);
  CHECK(*plain(text, kPlenty, step) == text);
  CHECK(*plain("", kPlenty, step) == "");
  CHECK(*plain("ab", kPlenty, step) == "ab");
}

TEST_CASE("several zstd frames and a skippable one are one stream") {
  const std::string skippable("\x50\x2a\x4d\x18\x04\x00\x00\x00skip", 12);
  CHECK(*plain(skippable + zstd("one") + zstd("two")) == "onetwo");
}

TEST_CASE("a decompression bomb stops at the limit") {
  const std::string zeros(20 << 20, '\0');
  for (const auto& bomb : {gzip(zeros), zstd(zeros), zeros}) {
    auto out = plain(bomb, 1 << 20);
    REQUIRE_FALSE(out.ok());
    CHECK(out.error().kind == ErrorKind::InvalidInput);
  }
  CHECK(plain(gzip(zeros), zeros.size()).ok());
}

TEST_CASE("damage, truncation and garbage behind the end are errors") {
  const std::string text = text_of(100'000);
  for (const auto& good : {gzip(text), zstd(text)}) {
    auto cut = plain(good.substr(0, good.size() - 3));
    REQUIRE_FALSE(cut.ok());
    CHECK(cut.error().kind == ErrorKind::InvalidInput);
  }
  std::string damaged = gzip(text);
  damaged[damaged.size() - 6] ^= 1;  // in the CRC
  CHECK(plain(damaged).error().message == "gzip: checksum differs");
  CHECK(plain(gzip(text) + "garbage").error().kind == ErrorKind::InvalidInput);
  CHECK(plain(zstd(text) + "garbage").error().kind == ErrorKind::InvalidInput);
  CHECK(*plain(gzip(text) + std::string(5000, '\0')) == text);  // padding of a tape block is none
}

TEST_CASE("an error of the source and of the sink arrives as it was") {
  auto source = open_decompressor(
      [](std::span<char>) -> Result<std::size_t> { return fail(ErrorKind::Transient, "reset"); },
      10);
  char buffer[10];
  CHECK(source(buffer).error().message == "reset");
  for (unsigned threads : {1u, 3u}) {
    GzipCompressor compressor(
        [](std::string_view) -> Result<void> { return fail(ErrorKind::Transient, "disk full"); },
        {.threads = threads});
    auto written = compressor.write(text_of(10 << 20));
    if (written.ok()) written = compressor.finish();
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().message == "disk full");
    CHECK_FALSE(compressor.finish().ok());
  }
  ZstdCompressor compressor(
      [](std::string_view) -> Result<void> { return fail(ErrorKind::Transient, "disk full"); }, {});
  auto written = compressor.write(text_of(10 << 20));
  if (written.ok()) written = compressor.finish();
  REQUIRE_FALSE(written.ok());
  CHECK(written.error().message == "disk full");
  CHECK_FALSE(compressor.finish().ok());
}

TEST_CASE("a compressor dropped in the middle ends its threads") {
  GzipCompressor compressor([](std::string_view) -> Result<void> { return {}; }, {.threads = 4});
  REQUIRE(compressor.write(text_of(3 << 20)).ok());
}
