// The bearer token of a client. The kubelet rotates a pod's token in place (about every hour), so a
// token that comes from a file is read again when it is a minute old or the server refused it.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "common/base/result.h"

namespace imagebuild::kube {

class TokenSource {
 public:
  /// A fixed token ("" for none), or the file to read it from, which wins.
  TokenSource(std::string token, std::string file)
      : token_(std::move(token)), file_(std::move(file)) {}

  /// "" when the client has none. A file that cannot be read leaves the last token in use,
  /// if there is one.
  Result<std::string> token();
  /// The server answered 401 to `refused`: reads the file now.
  /// True if there is a different token to try.
  bool refresh(const std::string& refused);

 private:
  using Steady = std::chrono::steady_clock;
  Result<void> read_locked();

  std::mutex mutex_;  // guards token_ and read_at_
  std::string token_;
  Steady::time_point read_at_{};
  const std::string file_;
};

}  // namespace imagebuild::kube
