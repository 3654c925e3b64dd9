// The Authorization header of basic authentication (RFC 7617): see credentials.h.
#include "common/git/credentials.h"

#include <cstdint>
#include <string_view>

namespace imagebuild::git {

namespace {

std::string base64(std::string_view bytes) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0);
    for (std::size_t j = 0; j < 4; ++j)
      out += i + j <= bytes.size() ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

}  // namespace

std::string basic_authorization(const Credentials& credentials) {
  return "Basic " + base64((credentials.username.empty() ? "git" : credentials.username) + ":" +
                           credentials.password);
}

}  // namespace imagebuild::git
