#include "common/kube/client.h"

#include <algorithm>

#include "common/base/json.h"
#include "common/base/wait.h"
#include "common/kube/token_source.h"

namespace imagebuild::kube {
namespace {

constexpr std::size_t kMaxObject = 8u << 20;
constexpr std::size_t kMaxList = 64u << 20;
constexpr Duration kMaxRetryAfter{30'000};

std::string percent_encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_' || c == '.' || c == '~';
    if (plain)
      out += static_cast<char>(c);
    else
      (out += '%') += {digits[c >> 4], digits[c & 15]};
  }
  return out;
}

// A query string; parameters with an empty value are left out.
class Query {
 public:
  Query& add(std::string_view name, std::string_view value) {
    if (value.empty()) return *this;
    text_ += text_.empty() ? '?' : '&';
    text_ += name;
    text_ += '=';
    text_ += percent_encode(value);
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string collection_path(const ResourceType& type, std::string_view name_space) {
  std::string path =
      type.group.empty() ? "/api/" + type.version : "/apis/" + type.group + "/" + type.version;
  if (type.namespaced && !name_space.empty()) path += "/namespaces/" + percent_encode(name_space);
  return path + "/" + type.plural;
}

// "." and ".." would be taken for path segments by servers and proxies; "/" is encoded. The API
// server allows none of them.
Result<std::string> object_path(const ResourceType& type, const ObjectKey& key,
                                std::string_view subresource = "") {
  if (key.name.empty() || key.name == "." || key.name == "..")
    return fail(ErrorKind::InvalidInput,
                type.plural + ": no object can be named \"" + key.name + "\"");
  if (type.namespaced && key.name_space.empty())
    return fail(ErrorKind::InvalidInput,
                type.plural + " " + key.name + ": the namespace is missing");
  std::string path = collection_path(type, key.name_space) + "/" + percent_encode(key.name);
  if (!subresource.empty()) path += "/" + std::string(subresource);
  return path;
}

std::string describe(std::string_view verb, const ResourceType& type, std::string_view object) {
  std::string what = std::string(verb) + " " + type.plural;
  if (!object.empty()) (what += ' ') += object;
  return what;
}

ObjectKey key_of(const Json& object) {
  return {string_at(object, {"metadata", "namespace"}), string_at(object, {"metadata", "name"})};
}

bool worth_repeating(const ApiError& error, bool read) {
  if (error.kind != ErrorKind::Transient) return false;
  // 429 and "come back later" mean that nothing was done;
  // without an answer only a read is safe to repeat.
  bool refused = error.code == 429 || (error.code >= 500 && error.retry_after);
  if (error.retry_after && *error.retry_after > kMaxRetryAfter) return false;
  return refused || read;
}

}  // namespace

std::unique_ptr<Client> Client::make(ClientConfig config, ClientOptions options) {
  auto transport = http::make_transport({.tls = config.tls});
  return std::make_unique<Client>(std::move(config), std::move(transport), std::move(options));
}

Client::Client(ClientConfig config, std::unique_ptr<http::Transport> transport,
               ClientOptions options)
    : config_(std::move(config)),
      options_(std::move(options)),
      transport_(std::move(transport)),
      token_(std::make_unique<TokenSource>(config_.token, config_.token_file)) {}

Client::~Client() = default;

http::Request Client::make_request(std::string method, const std::string& path,
                                   const Call& call) const {
  http::Request request;
  request.method = std::move(method);
  request.url = config_.server + path;
  request.headers = {{"Accept", "application/json"}, {"User-Agent", options_.user_agent}};
  request.max_body = kMaxObject;
  request.timeout = call.timeout;
  return request;
}

ApiResult<http::Response> Client::attempt(std::string_view what, http::Request& request,
                                          const Call& call) {
  for (bool refreshed = false;; refreshed = true) {
    std::string token = TRY_CONTEXT(token_->token(), what);
    if (!token.empty()) request.headers.set("Authorization", "Bearer " + token);
    auto response = transport_->send(request, call.stop);
    if (options_.on_response)
      options_.on_response(request.method, response.ok() ? response->status : 0);
    if (!response.ok()) return api_error_from_transport(what, std::move(response).error());
    if (response->ok()) return *std::move(response);
    if (response->status == 401 && !refreshed && token_->refresh(token)) continue;
    return api_error_from_response(what, *response);
  }
}

ApiResult<http::Response> Client::send(std::string_view what, http::Request request,
                                       const Call& call) {
  bool read = request.method == "GET";
  for (unsigned number = 0;; ++number) {
    auto response = attempt(what, request, call);
    bool again = !response.ok() && static_cast<int>(number) < call.retries &&
                 worth_repeating(response.error(), read);
    if (!again) return response;
    Duration delay = options_.retry.delay(number, random_unit());
    if (response.error().retry_after) delay = std::max(delay, *response.error().retry_after);
    if (!wait_for(delay, call.stop))
      return fail(ErrorKind::Canceled, std::string(what) + ": stopped");
  }
}

ApiResult<Json> Client::send_json(std::string_view what, http::Request request, const Call& call) {
  auto response = TRY(send(what, std::move(request), call));
  auto value = parse_json(response.body);
  // Half an answer is a broken connection, not bad input of ours.
  if (!value.ok())
    return fail(ErrorKind::Transient, std::string(what) + ": answer: " + value.error().message);
  return *std::move(value);
}

ApiResult<Json> Client::get(const ResourceType& type, const ObjectKey& key, const Call& call) {
  std::string path = TRY(object_path(type, key));
  return send_json(describe("get", type, key.to_string()), make_request("GET", path, call), call);
}

ApiResult<ListPage> Client::list(const ResourceType& type, std::string_view name_space,
                                 const ListOptions& options, const Call& call) {
  Query query;
  query.add("labelSelector", options.label_selector)
      .add("fieldSelector", options.field_selector)
      .add("limit", options.limit > 0 ? std::to_string(options.limit) : "")
      .add("continue", options.continue_token)
      .add("resourceVersion", options.resource_version);
  std::string what = describe("list", type, name_space);
  auto request = make_request("GET", collection_path(type, name_space) + query.text(), call);
  request.max_body = kMaxList;
  Json document = TRY(send_json(what, std::move(request), call));
  ListPage page;
  page.resource_version = string_at(document, {"metadata", "resourceVersion"});
  page.continue_token = string_at(document, {"metadata", "continue"});
  auto items = document.find("items");
  if (items == document.end()) return fail(ErrorKind::Transient, what + ": the answer is no list");
  if (items->is_null()) return page;  // how Go writes an empty slice
  for (auto& item : *items) {
    if (!item.is_object()) return fail(ErrorKind::Transient, what + ": an item is no object");
    item["apiVersion"] = type.api_version();
    item["kind"] = type.kind;
    page.items.push_back(std::move(item));
  }
  return page;
}

ApiResult<Json> Client::create(const ResourceType& type, const Json& object, const Call& call) {
  ObjectKey key = key_of(object);
  if (type.namespaced && key.name_space.empty())
    return fail(ErrorKind::InvalidInput,
                "create " + type.plural + ": metadata.namespace is missing");
  auto request = make_request("POST", collection_path(type, key.name_space), call);
  request.headers.set("Content-Type", "application/json");
  request.body = dump_json(object);
  return send_json(describe("create", type, key.to_string()), std::move(request), call);
}

ApiResult<Json> Client::replace(const ResourceType& type, const Json& object, const Call& call) {
  ObjectKey key = key_of(object);
  std::string path = TRY(object_path(type, key));
  auto request = make_request("PUT", path, call);
  request.headers.set("Content-Type", "application/json");
  request.body = dump_json(object);
  return send_json(describe("replace", type, key.to_string()), std::move(request), call);
}

ApiResult<Json> Client::patch(const ResourceType& type, const ObjectKey& key, const Json& body,
                              const PatchOptions& options, const Call& call) {
  bool apply = options.kind == PatchOptions::Kind::Apply;
  std::string what = describe(apply ? "apply" : "patch", type, key.to_string());
  if (apply && options.field_manager.empty())
    return fail(ErrorKind::InvalidInput, what + ": apply needs a field manager");
  std::string path = TRY(object_path(type, key, options.subresource));
  Query query;
  query.add("fieldManager", options.field_manager)
      .add("force", apply && options.force ? "true" : "");
  auto request = make_request("PATCH", path + query.text(), call);
  request.headers.set("Content-Type",
                      apply ? "application/apply-patch+yaml" : "application/merge-patch+json");
  request.body = dump_json(body);
  return send_json(what, std::move(request), call);
}

ApiResult<void> Client::remove(const ResourceType& type, const ObjectKey& key,
                               const DeleteOptions& options, const Call& call) {
  std::string path = TRY(object_path(type, key));
  Json body = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty())
    body["preconditions"]["resourceVersion"] = options.resource_version;
  if (!options.propagation_policy.empty()) body["propagationPolicy"] = options.propagation_policy;
  if (options.grace_period_seconds) body["gracePeriodSeconds"] = *options.grace_period_seconds;
  auto request = make_request("DELETE", path, call);
  request.headers.set("Content-Type", "application/json");
  request.body = dump_json(body);
  TRY(send(describe("delete", type, key.to_string()), std::move(request), call));
  return {};
}

ApiResult<std::string> Client::logs(const ObjectKey& pod, const LogOptions& options,
                                    const Call& call) {
  std::string path = TRY(object_path(kPods, pod, "log"));
  Query query;
  query.add("container", options.container)
      .add("tailLines", options.tail_lines ? std::to_string(*options.tail_lines) : "")
      .add("limitBytes", std::to_string(options.limit_bytes));
  auto request = make_request("GET", path + query.text(), call);
  request.headers.set("Accept", "*/*");
  request.max_body =
      static_cast<std::size_t>(std::max<std::int64_t>(options.limit_bytes, 0)) + (64u << 10);
  return TRY(send(describe("logs of", kPods, pod.to_string()), std::move(request), call)).body;
}

ApiResult<std::string> Client::get_text(std::string_view path_and_query, const Call& call) {
  auto request = make_request("GET", std::string(path_and_query), call);
  request.headers.set("Accept", "*/*");
  return TRY(send("get " + std::string(path_and_query), std::move(request), call)).body;
}

ApiResult<void> Client::watch(const ResourceType& type, std::string_view name_space,
                              const WatchOptions& options,
                              const std::function<Result<void>(WatchEvent)>& on_event,
                              const Call& call) {
  using std::chrono::seconds;
  auto server_timeout = std::chrono::ceil<seconds>(options.timeout);
  Query query;
  query.add("watch", "1")
      .add("allowWatchBookmarks", "true")
      .add("resourceVersion", options.resource_version)
      .add("labelSelector", options.label_selector)
      .add("fieldSelector", options.field_selector)
      .add("timeoutSeconds", std::to_string(server_timeout.count()));
  std::string what = describe("watch", type, name_space);
  auto request = make_request("GET", collection_path(type, name_space) + query.text(), call);
  // Whole minutes, because the transport keeps one set of connections for each time-out.
  request.timeout = std::chrono::ceil<std::chrono::minutes>(server_timeout + seconds(30));

  WatchDecoder decoder;
  std::optional<ApiError> failure;
  auto deliver = [&](WatchEvent event) -> Result<void> {
    if (event.type != WatchEvent::Type::Error) return on_event(std::move(event));
    failure = api_error_from_status(what, event.object);
    return Error(*failure);
  };
  request.sink = [&](const http::Response&, std::string_view bytes) -> Result<void> {
    auto fed = decoder.feed(bytes, deliver);
    if (!fed.ok() && !failure) failure = api_error_from_transport(what, fed.error());
    return fed;
  };
  auto response = attempt(what, request, call);
  if (failure) return *std::move(failure);
  if (!response.ok()) return std::move(response).error();
  if (decoder.inside_event()) return fail(ErrorKind::Transient, what + ": cut inside an event");
  return {};
}

}  // namespace imagebuild::kube
