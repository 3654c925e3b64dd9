#include "common/registry/credentials.h"

#include <algorithm>
#include <optional>

#include "common/base/json.h"
#include "common/base/unique_fd.h"
#include "common/registry/base64.h"

namespace imagebuild::registry {
namespace {

constexpr std::size_t kMaxConfig = 1u << 20;
constexpr std::string_view kIdentityTokenUser =
    "<token>";  // docker login writes it when it stored an identity token

// The name under which every spelling of a registry is kept.
std::string canonical_host(std::string_view host) {
  if (host == "index.docker.io" || host == "registry-1.docker.io" || host == "www.docker.io")
    return "docker.io";
  return std::string(host);
}

struct Place {
  std::string host, path;
};

// "https://index.docker.io/v1/", "ghcr.io/acme" → host and path.
Place parse_place(std::string_view key) {
  if (auto scheme = key.find("://"); scheme != std::string_view::npos)
    key.remove_prefix(scheme + 3);
  auto slash = key.find('/');
  Place place{canonical_host(key.substr(0, slash)), ""};
  if (slash == std::string_view::npos) return place;
  std::string_view path = key.substr(slash + 1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path != "v1" && path != "v2") place.path = path;
  return place;
}

// One label: '*' stands for any run of characters.
bool matches_label(std::string_view pattern, std::string_view text) {
  auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  pattern.remove_prefix(star + 1);
  text.remove_prefix(star);
  for (std::size_t skip = 0; skip <= text.size(); ++skip)
    if (matches_label(pattern, text.substr(skip))) return true;
  return false;
}

// Label by label, as the kubelet does: "*.acme.io" is not "a.b.acme.io".
bool matches_host(std::string_view pattern, std::string_view host) {
  for (;;) {
    auto pattern_dot = pattern.find('.');
    auto host_dot = host.find('.');
    if (!matches_label(pattern.substr(0, pattern_dot), host.substr(0, host_dot))) return false;
    bool pattern_ends = pattern_dot == std::string_view::npos;
    bool host_ends = host_dot == std::string_view::npos;
    if (pattern_ends || host_ends) return pattern_ends && host_ends;
    pattern.remove_prefix(pattern_dot + 1);
    host.remove_prefix(host_dot + 1);
  }
}

bool is_path_prefix(std::string_view prefix, std::string_view path) {
  return prefix.empty() ||
         (path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/'));
}

Result<Credential> credential_from_json(const Json& value) {
  if (!value.is_object()) return fail(ErrorKind::InvalidInput, "expected an object");
  Credential credential;
  credential.username = TRY(find_string(value, "username")).value_or("");
  credential.password = TRY(find_string(value, "password")).value_or("");
  credential.identity_token = TRY(find_string(value, "identitytoken")).value_or("");
  credential.registry_token = TRY(find_string(value, "registrytoken")).value_or("");
  std::string auth = TRY(find_string(value, "auth")).value_or("");
  if (!auth.empty()) {
    auto text = decode_base64(auth);
    auto colon = text ? text->find(':') : std::string::npos;
    if (colon == std::string::npos)
      return fail(ErrorKind::InvalidInput, "auth: expected base64 of user:password");
    credential.username = text->substr(0, colon);
    credential.password = text->substr(colon + 1);
    while (credential.password.ends_with('\0')) credential.password.pop_back();
  }
  if (credential.username == kIdentityTokenUser && credential.identity_token.empty())
    credential.identity_token = credential.password;
  return credential;
}

Result<std::optional<Credentials>> load_if_exists(const std::string& path) {
  auto text = read_file(path, kMaxConfig);
  if (!text && text.error().kind == ErrorKind::NotFound) return std::optional<Credentials>();
  if (!text) return std::move(text).error();
  return std::optional(TRY_CONTEXT(parse_docker_config(*text), path));
}

}  // namespace

Result<Credentials> parse_docker_config(std::string_view text) {
  if (text.size() > kMaxConfig)
    return fail(ErrorKind::InvalidInput, "docker config: larger than 1 MiB");
  auto document = parse_json(text);
  // The parser's message could quote the text, which is a secret.
  if (!document || !document->is_object())
    return fail(ErrorKind::InvalidInput, "docker config: not a JSON object");
  Credentials credentials;
  if (auto store = TRY(find_string(*document, "credsStore"))) credentials.helpers_[""] = *store;
  if (const Json* helpers = find_path(*document, {"credHelpers"});
      helpers != nullptr && helpers->is_object())
    for (const auto& [host, helper] : helpers->items())
      if (helper.is_string())
        credentials.helpers_[canonical_host(host)] = helper.get<std::string>();

  const Json* auths = find_path(*document, {"auths"});
  bool is_old_form = auths == nullptr &&
                     std::all_of(document->begin(), document->end(),
                                 [](const Json& v) { return v.is_object() && v.contains("auth"); });
  if (is_old_form) auths = &*document;
  if (auths == nullptr || auths->is_null()) return credentials;
  if (!auths->is_object())
    return fail(ErrorKind::InvalidInput, "docker config: auths: expected an object");
  for (const auto& [key, value] : auths->items()) {
    auto credential = TRY_CONTEXT(credential_from_json(value), "docker config: auths[" + key + "]");
    if (credential.empty()) continue;  // what docker leaves when the secret is in a helper
    Place place = parse_place(key);
    credentials.entries_.push_back(
        {.host = place.host, .path = place.path, .credential = std::move(credential)});
  }
  return credentials;
}

void Credentials::merge(const Credentials& other) {
  for (const auto& entry : other.entries_) {
    bool known = std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) {
      return e.host == entry.host && e.path == entry.path;
    });
    if (!known) entries_.push_back(entry);
  }
  helpers_.insert(other.helpers_.begin(), other.helpers_.end());
}

const Credential* Credentials::find(std::string_view registry, std::string_view repository) const {
  std::string host = canonical_host(registry);
  const Entry* best = nullptr;
  auto better = [&](const Entry& entry) {
    if (best == nullptr || entry.path.size() != best->path.size())
      return best == nullptr || entry.path.size() > best->path.size();
    return entry.host == host && best->host != host;  // a name before a pattern
  };
  for (const auto& entry : entries_)
    if (matches_host(entry.host, host) && is_path_prefix(entry.path, repository) && better(entry))
      best = &entry;
  return best == nullptr ? nullptr : &best->credential;
}

std::string Credentials::helper_for(std::string_view registry) const {
  auto it = helpers_.find(canonical_host(registry));
  if (it == helpers_.end()) it = helpers_.find("");
  return it == helpers_.end() ? "" : it->second;
}

Result<Credentials> load_user_credentials(const GetEnv& get_env) {
  auto variable = [&](const char* name) {
    const char* value = get_env(name);
    return std::string(value == nullptr ? "" : value);
  };
  if (std::string path = variable("REGISTRY_AUTH_FILE"); !path.empty()) {
    std::string text = TRY_CONTEXT(read_file(path, kMaxConfig), "REGISTRY_AUTH_FILE");
    return parse_docker_config(text).context(path);
  }
  std::vector<std::string> paths;
  if (std::string folder = variable("DOCKER_CONFIG"); !folder.empty())
    paths.push_back(folder + "/config.json");
  else if (std::string home = variable("HOME"); !home.empty())
    paths.push_back(home + "/.docker/config.json");
  if (std::string run = variable("XDG_RUNTIME_DIR"); !run.empty())
    paths.push_back(run + "/containers/auth.json");
  Credentials all;
  for (const auto& path : paths)
    if (auto found = TRY(load_if_exists(path))) all.merge(*found);
  return all;
}

}  // namespace imagebuild::registry
