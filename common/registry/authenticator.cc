#include "common/registry/authenticator.h"

#include <algorithm>
#include <sstream>

#include "common/base/json.h"
#include "common/registry/base64.h"
#include "common/registry/errors.h"

namespace imagebuild::registry {
namespace {

constexpr std::int64_t kDefaultLifetime = 60;  // seconds; the distribution token spec's
constexpr std::int64_t kLongestLifetime = 86'400;
constexpr std::size_t kMaxTokenAnswer = 1u << 20;

std::string percent_encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
      out += static_cast<char>(c);
    else
      (out += '%') += {kHex[c >> 4], kHex[c & 15]};
  }
  return out;
}

std::string join(const std::set<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

// "repository:acme/app:pull,push" → its resource and actions.
std::pair<std::string_view, std::set<std::string>> split_scope(std::string_view scope) {
  auto colon = scope.rfind(':');
  std::set<std::string> actions;
  std::stringstream list{
      std::string(colon == std::string_view::npos ? "" : scope.substr(colon + 1))};
  for (std::string action; std::getline(list, action, ',');) actions.insert(action);
  return {scope.substr(0, colon), actions};
}

bool covers(const std::set<std::string>& scopes, std::string_view asked) {
  auto [resource, actions] = split_scope(asked);
  return std::any_of(scopes.begin(), scopes.end(), [&](const std::string& scope) {
    auto [own_resource, own_actions] = split_scope(scope);
    return own_resource == resource &&
           std::includes(own_actions.begin(), own_actions.end(), actions.begin(), actions.end());
  });
}

http::Request password_request(const std::string& realm, const std::string& service,
                               const std::set<std::string>& scopes, const Credential* credential) {
  http::Request request;
  std::string query;
  if (!service.empty()) query += "&service=" + percent_encode(service);
  for (const auto& scope : scopes) query += "&scope=" + percent_encode(scope);
  if (credential != nullptr)
    request.headers.add("Authorization", "Basic " + encode_base64(credential->username + ":" +
                                                                  credential->password));
  if (!query.empty()) query[0] = realm.find('?') == std::string::npos ? '?' : '&';
  request.url = realm + query;
  return request;
}

http::Request refresh_request(const std::string& realm, const std::string& service,
                              const std::set<std::string>& scopes, const Credential& credential) {
  http::Request request;
  request.method = "POST";
  request.url = realm;
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.body = "grant_type=refresh_token&service=" + percent_encode(service) +
                 "&client_id=imagebuild&scope=" + percent_encode(join(scopes)) +
                 "&refresh_token=" + percent_encode(credential.identity_token);
  return request;
}

// Tokens go into a header: nothing but visible ASCII.
bool is_header_safe(std::string_view token) {
  return std::all_of(token.begin(), token.end(),
                     [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Result<std::optional<std::string>> Authenticator::authorization(const Endpoint& endpoint,
                                                                const Access& access) {
  Challenge challenge;
  std::set<std::string> scopes = access.scopes;
  {
    std::lock_guard lock(mutex_);
    auto known = challenges_.find(endpoint.base);
    if (known == challenges_.end()) return std::optional<std::string>();
    challenge = known->second;
    if (auto it = asked_.find({endpoint.base, access.scopes}); it != asked_.end())
      scopes.insert(it->second.begin(), it->second.end());
  }
  const Credential* credential = credentials_.find(endpoint.registry, access.repository);
  if (challenge.scheme == Challenge::Scheme::Basic) {
    if (credential == nullptr || credential->username.empty()) return std::optional<std::string>();
    return std::optional("Basic " +
                         encode_base64(credential->username + ":" + credential->password));
  }
  if (credential != nullptr && !credential->registry_token.empty()) {
    if (!is_header_safe(credential->registry_token))
      return fail(ErrorKind::InvalidInput,
                  "registrytoken of " + endpoint.registry + " has blanks or control characters");
    return std::optional("Bearer " + credential->registry_token);
  }
  return std::optional(
      "Bearer " + TRY(token(endpoint, {challenge.realm, challenge.service, scopes}, credential)));
}

bool Authenticator::learn(const Endpoint& endpoint, const Access& access,
                          const http::Response& refusal, const std::optional<std::string>& sent) {
  auto challenge = parse_challenge(refusal.headers);
  if (!challenge) return false;
  const Credential* credential = credentials_.find(endpoint.registry, access.repository);
  bool is_basic = challenge->scheme == Challenge::Scheme::Basic;
  bool is_fixed = is_basic || (credential != nullptr && !credential->registry_token.empty());
  std::lock_guard lock(mutex_);
  std::stringstream words(challenge->scope);
  for (std::string scope; words >> scope;)
    if (!covers(access.scopes, scope)) asked_[{endpoint.base, access.scopes}].insert(scope);
  challenge->scope.clear();
  challenges_[endpoint.base] = *challenge;
  if (sent)
    std::erase_if(tokens_,
                  [&](const auto& entry) { return "Bearer " + entry.second.value == *sent; });
  return !(is_fixed && sent);  // the same password or token again would be refused again
}

Result<std::string> Authenticator::token(const Endpoint& endpoint, const TokenKey& key,
                                         const Credential* credential) {
  {
    std::lock_guard lock(mutex_);
    auto it = tokens_.find(key);
    if (it != tokens_.end() && it->second.expires > clock_.now()) return it->second.value;
  }
  // Two threads may both fetch: harmless, and nobody waits for a lock
  // that is held over the network.
  Token fresh = TRY(fetch_token(endpoint, key, credential));
  std::lock_guard lock(mutex_);
  return (tokens_[key] = std::move(fresh)).value;
}

Result<Authenticator::Token> Authenticator::fetch_token(const Endpoint& endpoint,
                                                        const TokenKey& key,
                                                        const Credential* credential) {
  auto realm = TRY_CONTEXT(http::parse_url(key.realm), "token server of " + endpoint.registry);
  auto registry = TRY(http::parse_url(endpoint.base));
  std::string where = "token server " + authority_of(realm);
  TRY_CONTEXT(carrier_.endpoints().check_move(registry, realm), where);

  bool refresh = credential != nullptr && !credential->identity_token.empty();
  auto request = refresh ? refresh_request(key.realm, key.service, key.scopes, *credential)
                         : password_request(key.realm, key.service, key.scopes, credential);
  request.max_body = kMaxTokenAnswer;
  auto response = TRY_CONTEXT(carrier_.send(std::move(request), endpoint.is_mirror), where);
  if (!response.ok()) {
    std::string helper = credential == nullptr ? credentials_.helper_for(endpoint.registry) : "";
    std::string who = credential != nullptr ? " (with the configured credentials)"
                                            : " (no credentials configured)";
    if (!helper.empty()) who += " (credential helper '" + helper + "' is not supported)";
    Error error = error_of(response);
    error.message += who;
    return std::move(error).context(where);
  }
  auto answer = TRY_CONTEXT(parse_json(response.body), where);
  std::string value = string_at(answer, {"token"});
  if (value.empty()) value = string_at(answer, {"access_token"});
  if (value.empty() || !is_header_safe(value))
    return fail(ErrorKind::Internal, where + ": the answer has no usable token");
  std::int64_t lifetime = kDefaultLifetime;
  if (const Json* seconds = find_path(answer, {"expires_in"});
      seconds != nullptr && seconds->is_number_integer())
    lifetime = std::clamp<std::int64_t>(seconds->get<std::int64_t>(), 0, kLongestLifetime);
  // A tenth less: the token has to last until the request that carries it arrives.
  return Token{.value = std::move(value),
               .expires = clock_.now() + std::chrono::milliseconds(lifetime * 900)};
}

}  // namespace imagebuild::registry
