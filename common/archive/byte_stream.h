// Bytes on the move: a source is pulled, a sink is pushed. Tar readers and writers, the
// (de)compressors and the layer code are chained with these two shapes and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "common/base/result.h"

namespace imagebuild {

/// Fills at most `buffer.size()` bytes and returns how many; 0 means end of stream.
using ByteSource = std::function<Result<std::size_t>(std::span<char> buffer)>;
/// Takes all of `bytes` or fails.
using ByteSink = std::function<Result<void>(std::string_view bytes)>;

/// Reads `fd` to its end. The descriptor stays the caller's and must outlive the source.
ByteSource source_from_fd(int fd);
/// Reads bytes that outlive the source.
ByteSource source_from_bytes(std::string_view bytes);
/// Writes to `fd`, which stays the caller's and must outlive the sink.
ByteSink sink_to_fd(int fd);
/// Writes the same bytes to both, first to `first`.
ByteSink tee(ByteSink first, ByteSink second);

/// Pulls `source` to its end into `sink`; returns the number of bytes.
Result<std::uint64_t> pump(const ByteSource& source, const ByteSink& sink);

}  // namespace imagebuild
