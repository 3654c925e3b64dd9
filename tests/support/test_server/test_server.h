// TestServer: an HTTP/1.1 server for the protocol-level fakes, on 127.0.0.1 and a port the kernel
// chose. It is deliberately below any library, because the fakes must be able to do what no
// well-behaved server does: reset a connection in the middle of a body, stall, send a wrong
// Content-Length, cut a watch. One thread per connection; keep-alive; request bodies by
// Content-Length or chunked, up to 256 MiB.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/unique_fd.h"
#include "common/http/transport.h"

namespace imagebuild::testing {

struct ServerRequest {
  std::string method;
  std::string path;   ///< without the query
  std::string query;  ///< raw, without "?"
  http::Headers headers;
  std::string body;

  /// The percent-decoded value of a query parameter, or nullopt.
  std::optional<std::string> parameter(std::string_view name) const;
};

struct ServerResponse {
  int status = 200;
  http::Headers headers;
  std::string body;
  /// If set, the body is sent chunked: called until it returns nullopt (end). It may block;
  /// `running` turns false when the server stops.
  std::function<std::optional<std::string>(const std::atomic<bool>& running)> stream;

  enum class Fault {
    None,
    ResetBeforeResponse,  ///< the request was handled, the connection is reset without an answer
    CutBody,              ///< half of the body, then the connection is closed
    CutStream,            ///< the stream ends without the last chunk
  };
  Fault fault = Fault::None;
};

using Handler = std::function<ServerResponse(const ServerRequest&)>;

class TestServer {
 public:
  /// Starts listening; the handler is called from connection threads, several at once.
  explicit TestServer(Handler handler);
  ~TestServer();  ///< stops: closes every connection and joins every thread

  int port() const { return port_; }
  std::string origin() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void accept_loop();
  void serve(int fd);

  const Handler handler_;
  int port_ = 0;
  UniqueFd listener_;
  std::atomic<bool> running_{true};

  std::mutex mutex_;  // guards the two below
  std::vector<std::thread> connections_;
  std::vector<int> open_fds_;  // shut down by the destructor, closed by their threads
  std::thread acceptor_;
};

}  // namespace imagebuild::testing
