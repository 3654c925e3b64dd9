// UniqueFd owns one file descriptor and closes it. -1 means none.
#pragma once

#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/result.h"

namespace imagebuild {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

/// A pipe, both ends close-on-exec.
Result<Pipe> make_pipe();
/// open(2) with O_CLOEXEC added.
Result<UniqueFd> open_file(const std::string& path, int flags, unsigned mode = 0644);
/// A duplicate, close-on-exec.
Result<UniqueFd> duplicate(int fd);

/// Writes all of `bytes`, retrying short writes and EINTR.
Result<void> write_all(int fd, std::string_view bytes);
/// Reads at most `buffer.size()` bytes; 0 means end of file. Retries EINTR.
Result<std::size_t> read_some(int fd, std::span<char> buffer);
/// Reads to the end of file. InvalidInput when there are more than `limit` bytes.
Result<std::string> read_all(int fd, std::size_t limit);
/// Whole file; `what` of the error is the path.
Result<std::string> read_file(const std::string& path, std::size_t limit = 64u << 20);
/// Writes a file atomically: temporary name in the same directory, fsync not included, rename.
Result<void> write_file_atomically(const std::string& path, std::string_view bytes,
                                   unsigned mode = 0644);

}  // namespace imagebuild
