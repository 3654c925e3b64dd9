// The one place that makes requests with cpprestsdk. Its tasks never leave this file: send()
// blocks, every task's exception is observed, and what comes out is a Response or an Error.

#include <cpprest/http_client.h>
#include <pplx/threadpool.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>  // before cpprest: boost 1.74's asio forgets it in C++20

#include "common/http/proxy.h"
#include "common/http/stream_buffers.h"
#include "common/http/transport.h"

namespace imagebuild::http {
namespace {

namespace cpprest = web::http;

using ClientConfig = cpprest::client::http_client_config;

void configure_tls(ClientConfig& config, const TlsOptions& tls) {
  config.set_validate_certificates(!tls.insecure_skip_verify);
  config.set_ssl_context_callback([tls](boost::asio::ssl::context& context) {
    using boost::asio::buffer;
    if (!tls.ca_data.empty()) context.add_certificate_authority(buffer(tls.ca_data));
    if (!tls.client_cert_data.empty()) context.use_certificate_chain(buffer(tls.client_cert_data));
    if (!tls.client_key_data.empty())
      context.use_private_key(buffer(tls.client_key_data), boost::asio::ssl::context::pem);
  });
}

Headers headers_of(const cpprest::http_response& response) {
  Headers headers;
  for (const auto& [name, value] : response.headers()) headers.add(name, value);
  return headers;
}

bool has_control_character(const std::string& text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos;
}

class CpprestTransport final : public Transport {
 public:
  explicit CpprestTransport(TransportOptions options) : options_(std::move(options)) {}

  Result<Response> send(const Request& request, std::stop_token stop) override {
    auto url = TRY(parse_url(request.url));
    if (stop.stop_requested()) return fail(ErrorKind::Canceled, "stopped");
    auto where = request.method + " " + url.origin();
    try {
      return exchange(request, url, stop).context(where);
    } catch (const web::uri_exception& error) {
      return fail(ErrorKind::InvalidInput, where + ": " + error.what());
    } catch (const std::exception&
                 error) {  // thrown before the request was on its way: TLS files, resources
      return fail(ErrorKind::Internal, where + ": " + error.what());
    }
  }

 private:
  using ClientKey = std::pair<std::string, std::chrono::milliseconds>;

  // Shared: the client must outlive the last continuation of each of its requests.
  std::shared_ptr<cpprest::client::http_client> client_for(const Url& url,
                                                           std::chrono::milliseconds timeout) {
    std::lock_guard lock(mutex_);
    auto& client = clients_[{url.origin(), timeout}];
    if (!client) {
      ClientConfig config;
      config.set_max_redirects(0);
      config.set_timeout(timeout);
      if (url.scheme == "https") configure_tls(config, options_.tls);
      if (options_.proxy_from_environment) {
        auto proxy =
            find_proxy(url, [](const char* name) -> const char* { return std::getenv(name); });
        if (proxy) config.set_proxy(web::web_proxy(web::uri(*proxy)));
      }
      client = std::make_shared<cpprest::client::http_client>(web::uri(url.origin()), config);
    }
    return client;
  }

  Result<cpprest::http_request> make_request(const Request& request, const Url& url,
                                             const std::shared_ptr<Exchange>& state) {
    cpprest::http_request out(request.method);
    out.set_request_uri(web::uri(url.path_and_query));
    bool may_have_body = request.method != "GET" && request.method != "HEAD";
    if (request.source) {
      auto stream = concurrency::streams::istream(make_request_buffer(state));
      if (request.source->length)
        out.set_body(stream, *request.source->length, "application/octet-stream");
      else
        out.set_body(stream, "application/octet-stream");
    } else if (may_have_body) {
      out.set_body(std::vector<unsigned char>(request.body.begin(), request.body.end()));
    }
    for (const auto& [name, value] : request.headers.fields()) {
      if (has_control_character(name) || has_control_character(value))
        return fail(ErrorKind::InvalidInput,
                    "control character in header field " + name.substr(0, 40));
      out.headers()[name] = value;
    }
    if (!options_.tls.server_name.empty()) out.headers()["Host"] = options_.tls.server_name;
    out.set_response_stream(concurrency::streams::ostream(make_response_buffer(state)));
    return out;
  }

  Result<Response> exchange(const Request& request, const Url& url, const std::stop_token& stop) {
    // Shared: continuations on pool threads may still hold it when send() has returned.
    auto state = std::make_shared<Exchange>();
    auto client = client_for(url, request.timeout);
    auto message = TRY(make_request(request, url, state));
    pplx::cancellation_token_source cancel;
    std::stop_callback on_stop(stop, [&cancel] { cancel.cancel(); });

    client->request(message, cancel.get_token())
        .then([state](const cpprest::http_response& response) {
          state->set_head(
              {.status = response.status_code(), .headers = headers_of(response), .body = {}});
          return response.content_ready();
        })
        .then([state, client](const pplx::task<cpprest::http_response>& done) {
          state->finish(outcome(done));
        });

    auto result = state->run(request, [&cancel] { cancel.cancel(); });
    if (!result && stop.stop_requested()) return fail(ErrorKind::Canceled, "stopped");
    return result;
  }

  static std::optional<Error> outcome(const pplx::task<cpprest::http_response>& done) {
    try {
      (void)done.get();
      return std::nullopt;
    } catch (const pplx::task_canceled&) {
      return Error{ErrorKind::Canceled, "cancelled"};
    } catch (const web::http::http_exception& error) {
      if (error.error_code() == std::errc::timed_out)
        return Error{ErrorKind::Transient, "no answer in time"};
      return Error{ErrorKind::Transient, error.what()};
    } catch (const std::exception& error) {
      return Error{ErrorKind::Transient, error.what()};
    }
  }

  const TransportOptions options_;

  std::mutex mutex_;  // guards clients_
  std::map<ClientKey, std::shared_ptr<cpprest::client::http_client>> clients_;
};

}  // namespace

std::unique_ptr<Transport> make_transport(TransportOptions options) {
  return std::make_unique<CpprestTransport>(std::move(options));
}

void initialize_transport_threads(int threads) {
  crossplat::threadpool::initialize_with_threads(threads);
}

}  // namespace imagebuild::http
