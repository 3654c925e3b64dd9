// The bytes of a blob to upload, readable at any offset, because an interrupted upload goes on
// where the registry says.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "common/base/result.h"

namespace imagebuild::registry {

struct BlobSource {
  std::uint64_t size = 0;
  /// Fills at most `buffer.size()` bytes from `offset`; 0 is the end.
  /// Called from transport threads.
  std::function<Result<std::size_t>(std::uint64_t offset, std::span<char> buffer)> read_at;

  /// A regular file, opened now and held open.
  static Result<BlobSource> from_file(const std::string& path);
  static BlobSource from_bytes(std::string bytes);
};

}  // namespace imagebuild::registry
