#include "common/registry/blob_source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "common/base/unique_fd.h"

namespace imagebuild::registry {

Result<BlobSource> BlobSource::from_file(const std::string& path) {
  // Shared: std::function must be copyable, and every copy reads the one open file.
  auto file = std::make_shared<UniqueFd>(TRY(open_file(path, O_RDONLY)));
  struct stat status {};
  if (::fstat(file->get(), &status) != 0) return errno_error("stat " + path);
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::InvalidInput, path + ": not a regular file");
  auto read_at = [file, path](std::uint64_t offset, std::span<char> buffer) -> Result<std::size_t> {
    for (;;) {
      ssize_t count =
          ::pread(file->get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) return errno_error("read " + path);
    }
  };
  return BlobSource{.size = static_cast<std::uint64_t>(status.st_size),
                    .read_at = std::move(read_at)};
}

BlobSource BlobSource::from_bytes(std::string bytes) {
  std::uint64_t size = bytes.size();
  auto read_at = [bytes = std::move(bytes)](std::uint64_t offset,
                                            std::span<char> buffer) -> Result<std::size_t> {
    if (offset >= bytes.size()) return std::size_t{0};
    std::size_t count = std::min<std::size_t>(buffer.size(), bytes.size() - offset);
    std::memcpy(buffer.data(), bytes.data() + offset, count);
    return count;
  };
  return BlobSource{.size = size, .read_at = std::move(read_at)};
}

}  // namespace imagebuild::registry
