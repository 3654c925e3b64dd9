#include "common/archive/byte_stream.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "common/base/unique_fd.h"

namespace imagebuild {

ByteSource source_from_fd(int fd) {
  return [fd](std::span<char> buffer) { return read_some(fd, buffer); };
}

ByteSource source_from_bytes(std::string_view bytes) {
  return [bytes](std::span<char> buffer) mutable -> Result<std::size_t> {
    std::size_t n = std::min(buffer.size(), bytes.size());
    std::memcpy(buffer.data(), bytes.data(), n);
    bytes.remove_prefix(n);
    return n;
  };
}

ByteSink sink_to_fd(int fd) {
  return [fd](std::string_view bytes) { return write_all(fd, bytes); };
}

ByteSink tee(ByteSink first, ByteSink second) {
  return [first = std::move(first),
          second = std::move(second)](std::string_view bytes) -> Result<void> {
    TRY(first(bytes));
    return second(bytes);
  };
}

Result<std::uint64_t> pump(const ByteSource& source, const ByteSink& sink) {
  std::vector<char> buffer(256 << 10);
  std::uint64_t total = 0;
  for (;;) {
    std::size_t n = TRY(source(buffer));
    if (n == 0) return total;
    TRY(sink({buffer.data(), n}));
    total += n;
  }
}

}  // namespace imagebuild
