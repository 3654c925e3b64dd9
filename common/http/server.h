// Server: a small read-only HTTP server on cpprestsdk's listener, for metrics, probes
// and pages. GET and HEAD only (anything else is answered 405); handlers are called from
// pool threads, several at once.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/http/transport.h"

namespace imagebuild::http {

struct ServerRequest {
  std::string method;  ///< GET or HEAD
  std::string path;    ///< percent-encoded, without the query
  std::string query;   ///< without "?"
  Headers headers;
};

class Server {
 public:
  using Handler = std::function<Response(const ServerRequest&)>;

  /// Listens on "HOST:PORT" ("0.0.0.0:8080", ":8080", "127.0.0.1:0"; port 0 picks a free one).
  /// InvalidInput: the address cannot be read. Conflict: it is in use.
  static Result<std::unique_ptr<Server>> listen(const std::string& address, Handler handler);
  ~Server();

  int port() const { return port_; }

 private:
  struct Listener;
  explicit Server(std::unique_ptr<Listener> listener, int port);

  std::unique_ptr<Listener> listener_;
  int port_;
};

}  // namespace imagebuild::http
