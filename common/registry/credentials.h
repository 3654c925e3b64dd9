// Registry credentials as Docker and Kubernetes write them: {"auths": {"ghcr.io/acme": {"auth":
// "…"}}}. Look-up takes the longest matching prefix of "registry/repository", as the kubelet does;
// docker.io answers to all the names Docker has given it. No member of this file is ever logged or
// part of a message, except hosts and helper names.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace imagebuild::registry {

struct Credential {
  std::string username;
  std::string password;
  std::string identity_token;  ///< OAuth2 refresh token, instead of a password
  std::string registry_token;  ///< a bearer token to send as it is

  bool empty() const {
    return username.empty() && password.empty() && identity_token.empty() && registry_token.empty();
  }
  friend bool operator==(const Credential&, const Credential&) = default;
};

class Credentials {
 public:
  Credentials() = default;

  /// Adds what `other` has; an entry that is here already stays.
  void merge(const Credentials& other);
  /// The entry with the longest path that is a prefix of `repository` at `registry`; nullptr if
  /// there is none.
  const Credential* find(std::string_view registry, std::string_view repository) const;
  /// The credential helper that the configuration names for `registry`, "" if none: not run, but
  /// worth a hint.
  std::string helper_for(std::string_view registry) const;
  bool empty() const { return entries_.empty(); }

 private:
  friend Result<Credentials> parse_docker_config(std::string_view text);

  struct Entry {
    std::string host;  ///< "docker.io", "*.acme.io:5000"
    std::string path;  ///< "acme/app", "" for the whole registry
    Credential credential;
  };
  std::vector<Entry> entries_;
  std::map<std::string, std::string> helpers_;  ///< host → helper, "" → the store for all
};

/// Reads a .dockerconfigjson or the older .dockercfg. InvalidInput names the entry,
/// never its content.
Result<Credentials> parse_docker_config(std::string_view text);

using GetEnv = std::function<const char*(const char*)>;

/// What `docker login` and `podman login` left for this user: $REGISTRY_AUTH_FILE (must exist if
/// set), else all of $DOCKER_CONFIG/config.json or ~/.docker/config.json, and
/// $XDG_RUNTIME_DIR/containers/auth.json that exist.
Result<Credentials> load_user_credentials(const GetEnv& get_env);

}  // namespace imagebuild::registry
