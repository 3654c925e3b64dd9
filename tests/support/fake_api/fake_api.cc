#include "tests/support/fake_api/fake_api.h"

#include <chrono>
#include <sstream>

#include "common/base/json.h"

namespace imagebuild::testing {
namespace {

ServerResponse json_response(int status, const json& body) {
  ServerResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json"}};
  response.body = dump_json(body);
  return response;
}

json status_object(int code, const std::string& reason, const std::string& message) {
  return {{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Failure"},
          {"code", code},     {"reason", reason},   {"message", message}};
}

ServerResponse refusal(int code, const std::string& reason, const std::string& message) {
  return json_response(code, status_object(code, reason, message));
}

ServerResponse reply_response(const FakeReply& reply, int ok_status = 200) {
  if (reply.refusal)
    return refusal(reply.refusal->code, reply.refusal->reason, reply.refusal->message);
  return json_response(ok_status, reply.object);
}

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  std::istringstream in(path);
  for (std::string part; std::getline(in, part, '/');)
    if (!part.empty()) parts.push_back(part);
  return parts;
}

// /api/V/… or /apis/G/V/…, then [namespaces/NS/]PLURAL[/NAME[/SUBRESOURCE]].
std::optional<FakePath> parse_path(const std::string& text) {
  auto parts = split(text);
  std::size_t at = 0;
  auto take = [&] { return at < parts.size() ? parts[at++] : std::string(); };
  std::string root = take(), version;
  if (root == "api")
    version = take();
  else if (root == "apis")
    version = take();
  else
    return std::nullopt;
  if (root == "apis") version += "/" + take();
  FakePath path;
  std::string plural = take();
  if (plural == "namespaces" && parts.size() > at + 1) {
    path.name_space = take();
    plural = take();
  }
  path.collection = version + "/" + plural;
  path.name = take();
  path.subresource = take();
  if (plural.empty() || at < parts.size()) return std::nullopt;
  return path;
}

ServerResponse fault_response(const FakeApi::Fault& fault) {
  using Action = FakeApi::Action;
  switch (fault.action) {
    case Action::Conflict:
      return refusal(409, "Conflict", "Operation cannot be fulfilled: injected");
    case Action::TooManyRequests: {
      auto response = refusal(429, "TooManyRequests", "injected");
      response.headers.set("Retry-After", std::to_string(fault.retry_after));
      return response;
    }
    case Action::Gone:
      return refusal(410, "Expired", "injected");
    case Action::Forbidden:
      return refusal(403, "Forbidden", "injected");
    case Action::ServerError:
      return refusal(500, "InternalError", "injected");
    case Action::ResetBeforeEffect:
    case Action::ResetAfterEffect:
      break;
  }
  ServerResponse response;
  response.fault = ServerResponse::Fault::ResetBeforeResponse;
  return response;
}

std::string line_of(const ServerRequest& request) {
  return request.method + " " + request.path + (request.query.empty() ? "" : "?" + request.query);
}

std::string last_lines(const std::string& text, long count) {
  std::size_t begin = text.size();
  if (text.ends_with('\n')) --begin;  // the last line's own end
  for (; count > 0; --count) {
    auto newline = begin == 0 ? std::string::npos : text.rfind('\n', begin - 1);
    if (newline == std::string::npos) return text;
    begin = newline;
  }
  return text.substr(std::min(begin + 1, text.size()));
}

json with_type(json object, const kube::ResourceType& type) {
  object["apiVersion"] = type.api_version();
  object["kind"] = type.kind;
  return object;
}

FakePath path_of(const kube::ResourceType& type, const kube::ObjectKey& key) {
  return {FakeApi::collection(type), key.name_space, key.name, ""};
}

}  // namespace

std::function<bool(const ServerRequest&)> on(std::string method, std::string part) {
  return [method = std::move(method), part = std::move(part)](const ServerRequest& request) {
    if (!method.empty() && request.method != method) return false;
    return (request.path + "?" + request.query).find(part) != std::string::npos;
  };
}

FakeApi::FakeApi()
    : server_(std::make_unique<TestServer>(
          [this](const ServerRequest& request) { return handle(request); })) {}
FakeApi::~FakeApi() { objects_.cut_watches(); }

kube::ClientConfig FakeApi::config() const {
  kube::ClientConfig config;
  config.server = server_->origin();
  return config;
}

json FakeApi::put(const kube::ResourceType& type, json object) {
  return objects_.put(collection(type), with_type(std::move(object), type));
}

json FakeApi::get(const kube::ResourceType& type, const kube::ObjectKey& key) const {
  return objects_.get(path_of(type, key)).object;
}

bool FakeApi::change(const kube::ResourceType& type, const kube::ObjectKey& key,
                     const json& change) {
  json object = get(type, key);
  if (object.is_null()) return false;
  object.merge_patch(change);
  put(type, std::move(object));
  return true;
}

bool FakeApi::erase(const kube::ResourceType& type, const kube::ObjectKey& key) {
  return objects_.erase(path_of(type, key));
}

void FakeApi::set_log(const kube::ObjectKey& pod, std::string text) {
  std::lock_guard lock(mutex_);
  logs_[pod] = std::move(text);
}

void FakeApi::inject(Fault fault) {
  std::lock_guard lock(mutex_);
  faults_.push_back(std::move(fault));
}

void FakeApi::clear_faults() {
  std::lock_guard lock(mutex_);
  faults_.clear();
}

int FakeApi::faults_happened() const {
  std::lock_guard lock(mutex_);
  return faults_happened_;
}

void FakeApi::on_request(std::function<void(const ServerRequest&)> hook) {
  std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

std::vector<std::string> FakeApi::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

int FakeApi::count_requests(const std::string& method, const std::string& part) const {
  int count = 0;
  for (const auto& line : requests())
    if (line.starts_with(method + " ") && line.find(part) != std::string::npos) ++count;
  return count;
}

void FakeApi::forget_requests() {
  std::lock_guard lock(mutex_);
  requests_.clear();
}

std::optional<FakeApi::Fault> FakeApi::take_fault(const ServerRequest& request) {
  std::lock_guard lock(mutex_);
  for (auto it = faults_.begin(); it != faults_.end(); ++it) {
    if (!it->matches(request)) continue;
    Fault fault = *it;
    ++faults_happened_;
    if (it->times > 0 && --it->times == 0) faults_.erase(it);
    return fault;
  }
  return std::nullopt;
}

ServerResponse FakeApi::handle(const ServerRequest& request) {
  std::function<void(const ServerRequest&)> hook;
  {
    std::lock_guard lock(mutex_);
    requests_.push_back(line_of(request));
    hook = hook_;
  }
  if (hook) hook(request);
  auto fault = take_fault(request);
  if (!fault) return serve(request);
  if (fault->action == Action::ResetAfterEffect) (void)serve(request);
  return fault_response(*fault);
}

ServerResponse FakeApi::serve(const ServerRequest& request) {
  if (request.path == "/version")
    return json_response(200, {{"major", "1"}, {"minor", "28"}, {"gitVersion", "v1.28.0-fake"}});
  auto path = parse_path(request.path);
  if (!path) return refusal(404, "NotFound", "the server could not find the requested resource");
  if (path->subresource == "log") return log(request, *path);
  if (request.method == "GET" && path->name.empty()) {
    if (request.parameter("watch").value_or("") == "1") return watch(request, *path);
    int limit = std::atoi(request.parameter("limit").value_or("0").c_str());
    return reply_response(objects_.list(*path, request.parameter("labelSelector").value_or(""),
                                        limit, request.parameter("continue").value_or("")));
  }
  if (request.method == "GET") return reply_response(objects_.get(*path));
  auto body = parse_json(request.body.empty() ? "{}" : request.body);
  if (!body.ok()) return refusal(400, "BadRequest", body.error().message);
  if (request.method == "POST") return reply_response(objects_.create(*path, *body), 201);
  if (request.method == "PUT") return reply_response(objects_.replace(*path, *body));
  if (request.method == "DELETE") return reply_response(objects_.remove(*path, *body));
  if (request.method != "PATCH") return refusal(405, "MethodNotAllowed", request.method);
  std::string type = request.headers.find("Content-Type").value_or("");
  if (type == "application/merge-patch+json") return reply_response(objects_.patch(*path, *body));
  if (type == "application/apply-patch+yaml")
    return reply_response(
        objects_.apply(*path, *body, request.parameter("fieldManager").value_or("")));
  return refusal(415, "UnsupportedMediaType", type);
}

ServerResponse FakeApi::log(const ServerRequest& request, const FakePath& path) {
  if (objects_.get({path.collection, path.name_space, path.name, ""}).refusal)
    return refusal(404, "NotFound", path.name);
  std::string text;
  {
    std::lock_guard lock(mutex_);
    auto it = logs_.find({path.name_space, path.name});
    if (it != logs_.end()) text = it->second;
  }
  if (auto lines = request.parameter("tailLines"))
    text = last_lines(text, std::atol(lines->c_str()));
  if (auto bytes = request.parameter("limitBytes"))
    text.resize(std::min<std::size_t>(text.size(), std::strtoul(bytes->c_str(), nullptr, 10)));
  ServerResponse response;
  response.headers = {{"Content-Type", "text/plain"}};
  response.body = std::move(text);
  return response;
}

ServerResponse FakeApi::watch(const ServerRequest& request, const FakePath& path) {
  using Clock = std::chrono::steady_clock;
  auto at = objects_.subscribe(path, request.parameter("labelSelector").value_or(""),
                               request.parameter("resourceVersion").value_or(""));
  ServerResponse response;
  response.headers = {{"Content-Type", "application/json"}};
  if (!at) {  // the real server says so inside a 200, too
    response.body =
        dump_json({{"type", "ERROR"},
                   {"object", status_object(410, "Expired", "too old resource version")}}) +
        "\n";
    return response;
  }
  ++watches_started_;
  long seconds = std::atol(request.parameter("timeoutSeconds").value_or("3600").c_str());
  auto end = Clock::now() + std::chrono::seconds(seconds);
  if (abrupt_) response.fault = ServerResponse::Fault::CutStream;
  response.stream = [this, end, subscription = *at](
                        const std::atomic<bool>& running) mutable -> std::optional<std::string> {
    std::string type;
    json object;
    while (running && Clock::now() < end) {
      switch (objects_.next(subscription, type, object)) {
        case FakeObjects::Step::Nothing:
          continue;
        case FakeObjects::Step::Cut:
          return std::nullopt;
        case FakeObjects::Step::Bookmark:
          type = "BOOKMARK";
          break;
        case FakeObjects::Step::Event:
          break;
      }
      return dump_json({{"type", type}, {"object", object}}) + "\n";
    }
    return std::nullopt;
  };
  return response;
}

}  // namespace imagebuild::testing
