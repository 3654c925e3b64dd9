// Authenticator: which Authorization header goes to which registry. Learns a registry's scheme from
// its first 401, gets bearer tokens from its token server (anonymous, with a password, or with an
// OAuth2 refresh token) and keeps them per (realm, service, scopes) until they expire. Thread-safe.
// Tokens and passwords never reach a message or a log.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/base/clock.h"
#include "common/registry/carrier.h"
#include "common/registry/challenge.h"
#include "common/registry/credentials.h"

namespace imagebuild::registry {

/// What a request needs: the repository (for the credentials) and the token scopes.
struct Access {
  std::string repository;
  std::set<std::string> scopes;

  static Access pull(const std::string& repository) {
    return {repository, {"repository:" + repository + ":pull"}};
  }
  static Access push(const std::string& repository) {
    return {repository, {"repository:" + repository + ":pull,push"}};
  }
};

class Authenticator {
 public:
  Authenticator(const Credentials& credentials, const Clock& clock, const Carrier& carrier)
      : credentials_(credentials), clock_(clock), carrier_(carrier) {}

  /// The header's value; nullopt while the registry has not asked for any, or there is nothing to
  /// give. Denied: the token server refuses.
  Result<std::optional<std::string>> authorization(const Endpoint& endpoint, const Access& access);
  /// Takes in a 401. Whether asking authorization() again can give something else than `sent`.
  bool learn(const Endpoint& endpoint, const Access& access, const http::Response& refusal,
             const std::optional<std::string>& sent);

 private:
  struct Token {
    std::string value;
    TimePoint expires;
  };
  struct TokenKey {
    std::string realm, service;
    std::set<std::string> scopes;
    auto operator<=>(const TokenKey&) const = default;
  };

  Result<std::string> token(const Endpoint& endpoint, const TokenKey& key,
                            const Credential* credential);
  Result<Token> fetch_token(const Endpoint& endpoint, const TokenKey& key,
                            const Credential* credential);

  const Credentials& credentials_;
  const Clock& clock_;
  const Carrier& carrier_;

  std::mutex mutex_;  // guards the three below; never held while a token is fetched
  std::map<std::string, Challenge> challenges_;  // by Endpoint::base
  // What a registry asked for beyond our own scopes, by Endpoint::base and own scopes.
  std::map<std::pair<std::string, std::set<std::string>>, std::set<std::string>> asked_;
  std::map<TokenKey, Token> tokens_;
};

}  // namespace imagebuild::registry
