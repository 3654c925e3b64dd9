// Base64 (RFC 4648, standard alphabet), for Basic authentication and Docker's `auth` member.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace imagebuild::registry {

std::string encode_base64(std::string_view bytes);
/// Padding may be missing; nullopt for anything outside the alphabet.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace imagebuild::registry
