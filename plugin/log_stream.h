// The builder's log, line by line, as it is written. A connection that ends while the pod runs
// (API servers and proxies close idle ones) is opened again where the log stood: no line is lost or
// given twice.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/transport.h"
#include "common/kube/config.h"
#include "common/kube/resource.h"
#include "common/kube/token_source.h"

namespace imagebuild::plugin {

using LineSink = std::function<void(std::string_view line)>;

/// Cuts a stream into lines and drops those that an earlier connection has given. Pure.
class LogLines {
 public:
  /// Gives every line that is complete, without its time stamp. A line of more than 64 KiB is
  /// given in pieces.
  void feed(std::string_view bytes, const LineSink& take);
  /// The stream ended, as it should or cut: a cut line is given whole by the next connection.
  void end(bool cut, const LineSink& take);
  /// From when a new connection has to ask: RFC 3339 of the last line; "" before the first.
  std::string since() const;

 private:
  void line(std::string_view text, const LineSink& take);

  std::string partial_;
  std::string last_;            // time of the last line given, nanoseconds in nine digits
  std::uint64_t at_last_ = 0;   // lines given with that time
  std::uint64_t repeated_ = 0;  // of these, how many this connection has repeated so far
};

class LogStream {
 public:
  explicit LogStream(const kube::ClientConfig& config);

  /// One connection: gives lines until the server ends it. Transient: it broke; call again to go
  /// on. NotFound: no such pod. InvalidInput: the container has not started.
  Result<void> copy(const kube::ObjectKey& pod, bool follow, std::optional<std::int64_t> tail_lines,
                    const LineSink& take);

 private:
  std::string server_;
  std::unique_ptr<http::Transport> transport_;
  kube::TokenSource token_;
  LogLines lines_;
};

}  // namespace imagebuild::plugin
