#include "builder/context/url_text.h"

#include "builder/context/download.h"

namespace imagebuild::context {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Where user and password stand: [first, at the '@'); npos where there are none.
struct UserInfo {
  std::size_t first = std::string_view::npos, at = 0;
};
UserInfo find_user_info(std::string_view text, std::size_t from) {
  const auto scheme = text.find("://", from);
  if (scheme == std::string_view::npos) return {};
  const auto first = scheme + 3;
  const auto authority = text.substr(first, text.find_first_of("/?# \t\n\"'", first) - first);
  const auto at = authority.rfind('@');
  if (at == std::string_view::npos) return find_user_info(text, first);
  return {first, first + at};
}

}  // namespace

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
        hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

SplitUrl split_credentials(std::string_view url) {
  const auto [first, at] = find_user_info(url, 0);
  // Only the URL's own: a query may hold another one.
  if (first == std::string_view::npos || url.find("://") + 3 != first)
    return {std::string(url), std::nullopt};
  const auto user = url.substr(first, at - first);
  const auto colon = user.find(':');
  git::Credentials credentials{.username = percent_decoded(user.substr(0, colon)), .password = {}};
  if (colon != std::string_view::npos)
    credentials.password = percent_decoded(user.substr(colon + 1));
  return {std::string(url.substr(0, first)) + std::string(url.substr(at + 1)),
          std::move(credentials)};
}

bool is_http_url(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

std::string shown_url(std::string_view url) {
  const std::string plain = split_credentials(url).url;
  return plain.substr(0, plain.find_first_of("?#"));
}

std::string without_credentials(std::string_view text) {
  std::string out;
  std::size_t done = 0;
  for (auto found = find_user_info(text, 0); found.first != std::string_view::npos;
       found = find_user_info(text, found.at)) {
    out.append(text.substr(done, found.first - done)).append("***");
    done = found.at;
  }
  return out.append(text.substr(done));
}

}  // namespace imagebuild::context
