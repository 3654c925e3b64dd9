// Transport: one HTTP exchange, blocking, errors as values. Everything that speaks HTTP in this
// project (registries, the API server, git, metrics tests) goes through this interface; the one
// real implementation is the cpprestsdk adapter (make_transport), tests script it or run a server.
//
// A response of any status is a Response, not an Error: Transient means no response could be had
// (refused, reset, time-out, TLS), Canceled that the stop token fired. Redirects are never followed
// here (credentials would follow, too): callers see the 3xx.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace imagebuild::http {

/// Header fields in order; names compare case-insensitively.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  /// The first value of a field, or nullopt.
  std::optional<std::string> find(std::string_view name) const;
  /// Every value of a field, in order (WWW-Authenticate may repeat).
  std::vector<std::string> find_all(std::string_view name) const;
  void add(std::string name, std::string value);
  /// Replaces every field of that name.
  void set(std::string name, std::string value);
  void remove(std::string_view name);
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// A request body that is produced while it is sent. `read` fills the buffer and returns the number
/// of bytes, 0 at the end; it is called from a transport thread and may block (back-pressure). An
/// error aborts the request with it.
struct BodySource {
  std::function<Result<std::size_t>(std::span<char>)> read;
  std::optional<std::uint64_t> length;  ///< Content-Length; without it the body goes chunked
};

struct Response {
  int status = 0;
  Headers headers;
  std::string body;  ///< empty when the body went to Request::sink

  bool ok() const { return status >= 200 && status < 300; }
};

/// Receives a 2xx response's body piece by piece, in the calling thread, while it arrives (bounded
/// memory: the connection is read only as fast as the sink returns). `head` has status and headers.
/// An error ends the exchange and is what send() returns.
using BodySink = std::function<Result<void>(const Response& head, std::string_view bytes)>;

struct Request {
  std::string method = "GET";
  std::string url;  ///< absolute, used as it is: never re-encoded (signed upload URLs)
  Headers headers;
  std::string body;
  std::optional<BodySource> source;           ///< instead of `body`
  BodySink sink;                              ///< instead of Response::body for 2xx
  std::size_t max_body = 8u << 20;            ///< bound of Response::body; beyond it InvalidInput
  std::chrono::milliseconds timeout{30'000};  ///< for the head, and between two pieces of the body
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual Result<Response> send(const Request& request, std::stop_token stop = {}) = 0;
};

/// Certificates and trust of one client.
struct TlsOptions {
  std::string ca_data;           ///< PEM, to trust beside the system's
  std::string client_cert_data;  ///< PEM
  std::string client_key_data;   ///< PEM
  bool insecure_skip_verify = false;
  std::string server_name;  ///< SNI and name to verify, when it differs from the URL's host

  /// Certificates may lack their last newline.
  void add_ca(std::string_view pem) {
    if (!ca_data.empty() && !ca_data.ends_with('\n')) ca_data += '\n';
    ca_data += pem;
  }
};

struct TransportOptions {
  TlsOptions tls;
  bool proxy_from_environment = true;  ///< HTTP_PROXY, HTTPS_PROXY, NO_PROXY (both cases)
};

/// The cpprestsdk transport. Thread-safe; keeps connections alive per host.
std::unique_ptr<Transport> make_transport(TransportOptions options = {});

/// Call once at the start of main: bounds cpprestsdk's thread pool (it would start 40).
void initialize_transport_threads(int threads);

/// Splits "https://host:port/path?query"; InvalidInput when it is no http(s) URL.
struct Url {
  std::string scheme, host, path_and_query;
  int port = 0;
  std::string origin() const;  ///< "https://host:port", default ports left out
};
Result<Url> parse_url(std::string_view text);
/// Resolves a Location header against the URL of the request.
Result<std::string> resolve_url(std::string_view base, std::string_view reference);

}  // namespace imagebuild::http
