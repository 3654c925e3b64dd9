// A directory that goes with its owner.
#pragma once

#include <string>
#include <utility>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace imagebuild::context {

class TemporaryDirectory {
 public:
  /// Mode 0700, below `parent` ($TMPDIR or /tmp when empty).
  static Result<TemporaryDirectory> make(const std::string& parent);

  TemporaryDirectory(TemporaryDirectory&& other) noexcept
      : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory();

  const std::string& path() const { return path_; }
  int fd() const { return fd_.get(); }
  /// The path, now the caller's to remove.
  std::string release() && { return std::exchange(path_, {}); }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
  UniqueFd fd_;
};

}  // namespace imagebuild::context
