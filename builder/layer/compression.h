// Layer compression. Reading recognises gzip, zstd and plain bytes by their first bytes and is
// bounded, so that a small blob cannot fill the disk. Writing makes gzip of independent 1 MiB
// members (a valid gzip stream is a sequence of members), or one frame of zstd: blocks compress in
// parallel, and the bytes depend on the input and the level alone, never on the number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "common/archive/byte_stream.h"

namespace imagebuild {

enum class Compression { None, Gzip, Zstd };

/// A source of plain bytes over a source of compressed ones; detects the format with the first
/// read. The stream fails with InvalidInput: damaged, truncated, trailing garbage, more than
/// `limit` bytes of output.
ByteSource open_decompressor(ByteSource compressed, std::uint64_t limit);

/// What the first bytes (at least 4) say.
Compression detect_compression(std::string_view first_bytes);

struct GzipOptions {
  int level = 6;         // libdeflate's, 1 to 12
  unsigned threads = 1;  // 0 and 1: compress in the caller's thread
};

/// Gzip from 1 MiB blocks. The sink is called only from within write() and finish(),
/// in order. Holds at most threads + 2 blocks. Move-only; finish() is due, the
/// destructor only stops the threads.
class GzipCompressor {
 public:
  GzipCompressor(ByteSink sink, GzipOptions options);
  GzipCompressor(GzipCompressor&&) noexcept;
  GzipCompressor& operator=(GzipCompressor&&) noexcept;
  ~GzipCompressor();

  Result<void> write(std::string_view bytes);
  Result<void> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct ZstdOptions {
  int level = 3;         // zstd's, 1 to 19
  unsigned threads = 1;  // 0 is 1
};

/// One zstd frame with a checksum; otherwise as GzipCompressor, the sink included.
class ZstdCompressor {
 public:
  ZstdCompressor(ByteSink sink, ZstdOptions options);
  ZstdCompressor(ZstdCompressor&&) noexcept;
  ZstdCompressor& operator=(ZstdCompressor&&) noexcept;
  ~ZstdCompressor();

  Result<void> write(std::string_view bytes);
  Result<void> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace imagebuild
