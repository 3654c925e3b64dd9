#include "tests/support/fake_registry/fake_registry.h"

#include <algorithm>
#include <cstdlib>

#include "common/base/sha256.h"

namespace imagebuild::testing {
namespace {

std::string digest_text(const std::string& bytes) { return "sha256:" + sha256_hex(bytes); }

ServerResponse error(int status, const std::string& code, const std::string& message) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}},
          .body = R"({"errors":[{"code":")" + code + R"(","message":")" + message + R"("}]})"};
}

std::string base64(const std::string& bytes) {
  static const std::string kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  int bits = 0, count = 0;
  for (unsigned char byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6; count -= 6) out += kAlphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) out += kAlphabet[bits << (6 - count) & 63];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

// "/v2/<name>/<kind>/<rest>": kind is manifests, blobs or blobs/uploads.
struct Target {
  std::string name, kind, rest;
};

std::optional<Target> parse_target(const std::string& path) {
  for (const std::string kind : {"/blobs/uploads/", "/blobs/", "/manifests/"}) {
    auto at = path.find(kind, 4);
    if (at == std::string::npos) continue;
    return Target{path.substr(4, at - 4), kind.substr(1, kind.size() - 2),
                  path.substr(at + kind.size())};
  }
  return std::nullopt;
}

std::string form_value(const std::string& body, const std::string& name) {
  ServerRequest form{.method = {}, .path = {}, .query = body, .headers = {}, .body = {}};
  return form.parameter(name).value_or("");
}

std::set<std::string> words(const std::string& text) {
  std::set<std::string> out;
  std::size_t start = 0;
  while (start < text.size()) {
    auto end = std::min(text.find(' ', start), text.size());
    if (end > start) out.insert(text.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

}  // namespace

FakeRegistry::FakeRegistry(FakeRegistryOptions options) : options_(std::move(options)) {
  blob_server_ = std::make_unique<TestServer>(
      [this](const ServerRequest& request) { return handle(request, true); });
  server_ = std::make_unique<TestServer>(
      [this](const ServerRequest& request) { return handle(request, false); });
}

FakeRegistry::~FakeRegistry() = default;

oci::Digest FakeRegistry::put_blob(const std::string& repository, const std::string& bytes) {
  std::lock_guard lock(mutex_);
  auto digest = oci::Digest::of(bytes);
  repositories_[repository].blobs[digest.to_string()] = bytes;
  return digest;
}

oci::Digest FakeRegistry::put_manifest(const std::string& repository, const std::string& tag,
                                       const std::string& bytes, const std::string& media_type) {
  std::lock_guard lock(mutex_);
  auto digest = oci::Digest::of(bytes);
  repositories_[repository].manifests[digest.to_string()] = {media_type, bytes};
  if (!tag.empty()) repositories_[repository].tags[tag] = digest.to_string();
  return digest;
}

std::optional<std::string> FakeRegistry::blob(const std::string& repository,
                                              const oci::Digest& digest) const {
  std::lock_guard lock(mutex_);
  auto repo = repositories_.find(repository);
  if (repo == repositories_.end()) return std::nullopt;
  auto it = repo->second.blobs.find(digest.to_string());
  return it == repo->second.blobs.end() ? std::nullopt : std::optional(it->second);
}

std::optional<std::string> FakeRegistry::manifest(const std::string& repository,
                                                  const std::string& tag_or_digest) const {
  std::lock_guard lock(mutex_);
  auto repo = repositories_.find(repository);
  if (repo == repositories_.end()) return std::nullopt;
  auto tag = repo->second.tags.find(tag_or_digest);
  auto it =
      repo->second.manifests.find(tag == repo->second.tags.end() ? tag_or_digest : tag->second);
  return it == repo->second.manifests.end() ? std::nullopt : std::optional(it->second.second);
}

void FakeRegistry::intercept(Intercept intercept) {
  std::lock_guard lock(mutex_);
  intercept_ = std::move(intercept);
}

void FakeRegistry::fail_next(std::string method, std::string part, ServerResponse response,
                             int times, bool after_handling) {
  std::lock_guard lock(mutex_);
  failures_.push_back(
      {std::move(method), std::move(part), std::move(response), times, after_handling});
}

void FakeRegistry::revoke_tokens() {
  std::lock_guard lock(mutex_);
  tokens_.clear();
}

std::vector<RecordedRequest> FakeRegistry::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

int FakeRegistry::count(const std::string& method, const std::string& part) const {
  std::lock_guard lock(mutex_);
  return static_cast<int>(
      std::count_if(requests_.begin(), requests_.end(), [&](const RecordedRequest& r) {
        return r.method == method && r.path.find(part) != std::string::npos;
      }));
}

int FakeRegistry::leaked_credentials() const {
  std::lock_guard lock(mutex_);
  return leaked_;
}

ServerResponse FakeRegistry::handle(const ServerRequest& request, bool at_blob_host) {
  std::lock_guard lock(mutex_);
  std::string authorization = request.headers.find("Authorization").value_or("");
  requests_.push_back({request.method, request.path, request.query, authorization});
  if (intercept_)
    if (auto response = intercept_(request)) return *response;
  auto failure = std::find_if(failures_.begin(), failures_.end(), [&](const Failure& f) {
    return f.times > 0 && f.method == request.method &&
           request.path.find(f.part) != std::string::npos;
  });
  if (failure != failures_.end()) {
    --failure->times;
    if (failure->after_handling) (void)route(request);
    return failure->response;
  }
  if (!at_blob_host) return route(request);
  if (!authorization.empty()) {
    ++leaked_;
    return error(400, "InvalidArgument", "only one authentication mechanism allowed");
  }
  for (const auto& [name, repository] : repositories_)
    if (auto it = repository.blobs.find(request.path.substr(1)); it != repository.blobs.end())
      return blob_bytes(request, it->second);
  return {.status = 404};
}

ServerResponse FakeRegistry::route(const ServerRequest& request) {
  if (request.path == "/token") return token(request);
  if (request.path == "/v2/") return refuse(request, "", false).value_or(ServerResponse{});
  auto target = parse_target(request.path);
  if (!target) return {.status = 404};
  bool is_write = request.method != "GET" && request.method != "HEAD";
  if (auto refusal = refuse(request, target->name, is_write)) return *refusal;
  auto& repository = repositories_[target->name];
  if (target->kind == "manifests")
    return manifests(request, repository, target->name, target->rest);
  if (target->kind == "blobs") return blobs(request, repository, target->name, target->rest);
  if (request.method == "POST") return start_upload(request, repository, target->name);
  return upload(request, repository, target->name, target->rest);
}

ServerResponse FakeRegistry::token(const ServerRequest& request) {
  std::set<std::string> scopes;
  bool known = request.headers.find("Authorization") ==
               "Basic " + base64(options_.username + ":" + options_.password);
  if (request.method == "POST") {
    known = !options_.identity_token.empty() &&
            form_value(request.body, "refresh_token") == options_.identity_token;
    scopes = words(form_value(request.body, "scope"));
  } else {
    for (std::string_view rest = request.query; !rest.empty();) {
      auto end = std::min(rest.find('&'), rest.size());
      ServerRequest one{.method = {},
                        .path = {},
                        .query = std::string(rest.substr(0, end)),
                        .headers = {},
                        .body = {}};
      if (auto scope = one.parameter("scope")) scopes.insert(*scope);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  bool anonymous = !request.headers.find("Authorization") && request.method == "GET";
  bool only_pull = std::all_of(scopes.begin(), scopes.end(),
                               [](const std::string& s) { return s.ends_with(":pull"); });
  if (!known && !(anonymous && options_.anonymous_pull && only_pull))
    return error(401, "UNAUTHORIZED", "incorrect username or password");
  std::string value = "token-" + std::to_string(++next_id_);
  tokens_[value] = scopes;
  return {.status = 200,
          .body = R"({"token":")" + value + R"(","expires_in":)" +
                  std::to_string(options_.token_seconds) + "}"};
}

std::optional<ServerResponse> FakeRegistry::refuse(const ServerRequest& request,
                                                   const std::string& repository, bool is_write) {
  using Auth = FakeRegistryOptions::Auth;
  if (options_.auth == Auth::None) return std::nullopt;
  std::string authorization = request.headers.find("Authorization").value_or("");
  auto refusal = error(401, "UNAUTHORIZED", "authentication required");
  if (options_.auth == Auth::Basic) {
    if (authorization == "Basic " + base64(options_.username + ":" + options_.password))
      return std::nullopt;
    refusal.headers.add("WWW-Authenticate", R"(Basic realm="fake")");
    return refusal;
  }
  std::string scope = "repository:" + repository + (is_write ? ":pull,push" : ":pull");
  constexpr std::string_view kBearer = "Bearer ";
  if (authorization.starts_with(kBearer)) {
    auto it = tokens_.find(authorization.substr(kBearer.size()));
    bool granted =
        it != tokens_.end() &&
        (repository.empty() || it->second.contains("repository:" + repository + ":pull,push") ||
         it->second.contains(scope));
    if (granted) return std::nullopt;
  }
  refusal.headers.add("WWW-Authenticate", "Bearer realm=\"" + server_->origin() +
                                              "/token\",service=\"fake, registry\",scope=\"" +
                                              scope + "\"");
  return refusal;
}

ServerResponse FakeRegistry::manifests(const ServerRequest& request, Repository& repository,
                                       const std::string& name, const std::string& id) {
  if (request.method == "PUT") {
    std::string digest = digest_text(request.body);
    if (id.starts_with("sha256:") && id != digest)
      return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    repository.manifests[digest] = {request.headers.find("Content-Type").value_or(""),
                                    request.body};
    if (!id.starts_with("sha256:")) repository.tags[id] = digest;
    return {.status = 201,
            .headers = {{"Location", "/v2/" + name + "/manifests/" + digest},
                        {"Docker-Content-Digest", digest}}};
  }
  auto tag = repository.tags.find(id);
  auto it = repository.manifests.find(tag == repository.tags.end() ? id : tag->second);
  if (it == repository.manifests.end()) return error(404, "MANIFEST_UNKNOWN", "manifest unknown");
  const auto& [media_type, bytes] = it->second;
  ServerResponse response{
      .status = 200,
      .headers = {{"Content-Type", media_type}, {"Docker-Content-Digest", it->first}}};
  if (request.method == "HEAD")
    response.headers.add("Content-Length", std::to_string(bytes.size()));
  else
    response.body = bytes;
  return response;
}

ServerResponse FakeRegistry::blob_bytes(const ServerRequest& request,
                                        const std::string& bytes) const {
  auto range = request.headers.find("Range");
  if (!range || !options_.range_requests || request.method == "HEAD") {
    ServerResponse response{.status = 200,
                            .headers = {{"Content-Type", "application/octet-stream"}}};
    if (request.method == "HEAD")
      response.headers.add("Content-Length", std::to_string(bytes.size()));
    else
      response.body = bytes;
    return response;
  }
  std::size_t start = std::strtoul(range->c_str() + std::string("bytes=").size(), nullptr, 10);
  if (start >= bytes.size()) return {.status = 416};
  std::string span = std::to_string(start) + "-" + std::to_string(bytes.size() - 1) + "/" +
                     std::to_string(bytes.size());
  return {
      .status = 206, .headers = {{"Content-Range", "bytes " + span}}, .body = bytes.substr(start)};
}

ServerResponse FakeRegistry::blobs(const ServerRequest& request, Repository& repository,
                                   const std::string& name, const std::string& digest) {
  if (request.method == "HEAD" && !options_.head_of_blobs) return {.status = 405};
  auto it = repository.blobs.find(digest);
  if (it == repository.blobs.end()) return error(404, "BLOB_UNKNOWN", "blob unknown to registry");
  if (options_.redirect_blobs && request.method == "GET")
    return {
        .status = 307,
        .headers = {{"Location", blob_server_->origin() + "/" + digest + "?repository=" + name}}};
  return blob_bytes(request, it->second);
}

ServerResponse FakeRegistry::start_upload(const ServerRequest& request, Repository& repository,
                                          const std::string& name) {
  auto mount = request.parameter("mount");
  if (mount && options_.mount_allowed) {
    auto& from = repositories_[request.parameter("from").value_or("")];
    if (auto it = from.blobs.find(*mount); it != from.blobs.end()) {
      repository.blobs[*mount] = it->second;
      return {.status = 201,
              .headers = {{"Location", "/v2/" + name + "/blobs/" + *mount},
                          {"Docker-Content-Digest", *mount}}};
    }
  }
  std::string id = "upload-" + std::to_string(++next_id_);
  uploads_[id] = "";
  return upload_status(name, id, 202);
}

ServerResponse FakeRegistry::upload_status(const std::string& name, const std::string& id,
                                           int status) {
  std::size_t size = uploads_[id].size();
  // The state is signed and must come back as it is: %2B decoded and encoded again would be another
  // text.
  std::string location = "/v2/" + name + "/blobs/uploads/" + id + "?_state=a%2Bb%3D%3D";
  return {
      .status = status,
      .headers = {{"Location", (options_.absolute_locations ? server_->origin() : "") + location},
                  {"Range", "0-" + std::to_string(size == 0 ? 0 : size - 1)}}};
}

ServerResponse FakeRegistry::upload(const ServerRequest& request, Repository& repository,
                                    const std::string& name, const std::string& id) {
  auto it = uploads_.find(id);
  if (it == uploads_.end())
    return error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
  if (request.query.find("_state=a%2Bb%3D%3D") == std::string::npos)
    return error(400, "BLOB_UPLOAD_INVALID", "state was changed");
  if (request.method == "GET") return upload_status(name, id, 204);
  if (request.method == "DELETE") {
    uploads_.erase(it);
    return {.status = 204};
  }
  if (request.method == "PATCH" && options_.patch_limit > 0 &&
      request.body.size() > options_.patch_limit)
    return {.status = 413};
  if (auto range = request.headers.find("Content-Range")) {
    bool fits = std::strtoul(range->c_str(), nullptr, 10) == it->second.size();
    if (!fits) return upload_status(name, id, 416);
  }
  it->second += request.body;
  if (request.method == "PATCH") return upload_status(name, id, 202);
  std::string digest = request.parameter("digest").value_or("");
  if (digest != digest_text(it->second))
    return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
  repository.blobs[digest] = std::move(it->second);
  uploads_.erase(id);
  return {.status = 201,
          .headers = {{"Location", "/v2/" + name + "/blobs/" + digest},
                      {"Docker-Content-Digest", digest}}};
}

}  // namespace imagebuild::testing
