// What a 401 asks for: the WWW-Authenticate header (RFC 7235, RFC 6750).
#pragma once

#include <optional>
#include <string>

#include "common/http/transport.h"

namespace imagebuild::registry {

struct Challenge {
  enum class Scheme { Basic, Bearer };
  Scheme scheme = Scheme::Basic;
  std::string realm;  ///< Bearer: URL of the token server
  std::string service;
  std::string scope;  ///< "repository:acme/app:pull,push", several separated by blanks

  friend bool operator==(const Challenge&, const Challenge&) = default;
};

/// The challenge to answer: Bearer with a realm before Basic. nullopt: none that is known here.
std::optional<Challenge> parse_challenge(const http::Headers& headers);

}  // namespace imagebuild::registry
