// User name and password (or token) for a git server, and the header they travel in.
#pragma once

#include <string>

namespace imagebuild::git {

struct Credentials {
  std::string username;  ///< empty with a token alone
  std::string password;
};

/// "Basic …" for the Authorization header. A token alone gets the user name "git": servers that
/// take tokens look at the password only.
std::string basic_authorization(const Credentials& credentials);

}  // namespace imagebuild::git
