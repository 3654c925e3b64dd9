// Channel: bytes from one thread to another in bounded memory, so that what is pushed (a download)
// can be pulled (by a tar reader). Either side may give up; the other one then sees an error.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace imagebuild::plugin {

class Channel {
 public:
  explicit Channel(std::size_t capacity = 1u << 20) : capacity_(capacity) {}

  /// Waits for room. Canceled: the reader has gone.
  Result<void> write(std::string_view bytes);
  /// No more bytes: because all were written, or because of an error, which the reader then gets.
  void close(Result<void> how);
  /// Waits for bytes; 0 at the end.
  Result<std::size_t> read(std::span<char> buffer);
  /// The reader wants no more.
  void abandon();

 private:
  const std::size_t capacity_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::string bytes_;
  std::size_t begin_ = 0;  // of what has not been read in bytes_
  bool closed_ = false, abandoned_ = false;
  std::optional<Error> error_;
};

}  // namespace imagebuild::plugin
