// The pieces of URLs that people write into Dockerfiles: credentials, percent signs, names.
// Internal to this module.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/git/credentials.h"

namespace imagebuild::context {

/// %41 is A; what is no escape stays as it is.
std::string percent_decoded(std::string_view text);

struct SplitUrl {
  std::string url;  ///< without them
  std::optional<git::Credentials> credentials;
};
/// "https://user:password@host/" in two.
SplitUrl split_credentials(std::string_view url);

}  // namespace imagebuild::context
