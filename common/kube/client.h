// The API server's verbs over http::Transport. Blocking, thread-safe, no cache,
// no rate limit of its own.
//
// Retries are bounded and only where they are safe: any verb after 429 or a 5xx that carries
// Retry-After (the server did nothing), reads after any Transient failure. A write without an
// answer is not repeated here: the error says no_answer() and the caller, who reads before it
// writes, decides again. (The transport below may repeat a request once when a kept-alive
// connection turns out to be closed, so writes must be idempotent all the same: by name, by
// resourceVersion or by uid.)
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/backoff.h"
#include "common/kube/api_error.h"
#include "common/kube/config.h"
#include "common/kube/resource.h"
#include "common/kube/watch_decoder.h"

namespace imagebuild::kube {

class TokenSource;

/// How one call may be spent.
struct Call {
  std::stop_token stop = {};
  Duration timeout{30'000};
  int retries = 4;  ///< beyond the first attempt
};

struct ListOptions {
  std::string label_selector = {};
  std::string field_selector = {};
  int limit = 0;  ///< 0: no paging
  std::string continue_token = {};
  std::string resource_version = {};  ///< "": a consistent read
};

struct ListPage {
  std::vector<nlohmann::json> items;  ///< with apiVersion and kind filled in, which lists leave out
  std::string resource_version;
  std::string continue_token;  ///< "": this was the last page
};

struct WatchOptions {
  std::string resource_version = {};
  std::string label_selector = {};
  std::string field_selector = {};
  Duration timeout{300'000};  ///< the server ends the watch then; we give it 30 s more
};

struct PatchOptions {
  enum class Kind { Merge, Apply };
  Kind kind = Kind::Merge;
  std::string subresource = {};    ///< "status" or ""
  std::string field_manager = {};  ///< Apply: required
  bool force = false;              ///< Apply: take over fields that others manage
};

struct DeleteOptions {
  std::string uid = {};  ///< precondition: only this incarnation, else conflict()
  std::string resource_version = {};
  std::string propagation_policy = {};  ///< "", "Background", "Foreground", "Orphan"
  std::optional<int> grace_period_seconds = {};
};

struct LogOptions {
  std::string container = {};
  std::optional<std::int64_t> tail_lines = {};
  std::int64_t limit_bytes = 1 << 20;
};

struct ClientOptions {
  std::string user_agent = "imagebuild";
  Backoff retry{.first = Duration(200), .factor = 2.0, .limit = Duration(10'000), .jitter = 0.2};
  /// Told of every answer (code 0: none), for rest_client_requests_total.
  /// Called from the caller's thread.
  std::function<void(std::string_view method, int code)> on_response = {};
};

class Client {
 public:
  /// A client over the cpprestsdk transport.
  static std::unique_ptr<Client> make(ClientConfig config, ClientOptions options = {});
  Client(ClientConfig config, std::unique_ptr<http::Transport> transport,
         ClientOptions options = {});
  ~Client();

  const ClientConfig& config() const { return config_; }

  ApiResult<nlohmann::json> get(const ResourceType& type, const ObjectKey& key,
                                const Call& call = {});
  /// One page. `name_space` "": all of them.
  ApiResult<ListPage> list(const ResourceType& type, std::string_view name_space,
                           const ListOptions& options = {}, const Call& call = {});
  /// Namespace and name (or generateName) come from the object's metadata.
  ApiResult<nlohmann::json> create(const ResourceType& type, const nlohmann::json& object,
                                   const Call& call = {});
  /// Full update; metadata.resourceVersion makes it optimistic (conflict()).
  ApiResult<nlohmann::json> replace(const ResourceType& type, const nlohmann::json& object,
                                    const Call& call = {});
  ApiResult<nlohmann::json> patch(const ResourceType& type, const ObjectKey& key,
                                  const nlohmann::json& body, const PatchOptions& options = {},
                                  const Call& call = {});
  ApiResult<void> remove(const ResourceType& type, const ObjectKey& key,
                         const DeleteOptions& options = {}, const Call& call = {});
  /// pods/log as text.
  ApiResult<std::string> logs(const ObjectKey& pod, const LogOptions& options = {},
                              const Call& call = {});
  /// Calls `on_event` in this thread until the server ends the watch (ok), it breaks, an ERROR
  /// event comes (the ApiError of its Status) or `on_event` fails. Never retries. `call.timeout` is
  /// not used, `options.timeout` is.
  ApiResult<void> watch(const ResourceType& type, std::string_view name_space,
                        const WatchOptions& options,
                        const std::function<Result<void>(WatchEvent)>& on_event,
                        const Call& call = {});
  /// Any path of the server as text ("/version", "/readyz").
  ApiResult<std::string> get_text(std::string_view path_and_query, const Call& call = {});

 private:
  http::Request make_request(std::string method, const std::string& path, const Call& call) const;
  ApiResult<nlohmann::json> send_json(std::string_view what, http::Request request,
                                      const Call& call);
  ApiResult<http::Response> send(std::string_view what, http::Request request, const Call& call);
  /// One attempt, repeated only when a rotated token was refused.
  ApiResult<http::Response> attempt(std::string_view what, http::Request& request,
                                    const Call& call);

  const ClientConfig config_;
  const ClientOptions options_;
  const std::unique_ptr<http::Transport> transport_;
  const std::unique_ptr<TokenSource> token_;
};

}  // namespace imagebuild::kube
