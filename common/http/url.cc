#include <charconv>

#include "common/http/transport.h"

namespace imagebuild::http {

std::string Url::origin() const {
  bool standard = (scheme == "https" && port == 443) || (scheme == "http" && port == 80);
  std::string name = host.find(':') != std::string::npos ? "[" + host + "]" : host;
  return scheme + "://" + name + (standard ? "" : ":" + std::to_string(port));
}

Result<Url> parse_url(std::string_view text) {
  auto invalid = [&](const char* why) {
    return fail(ErrorKind::InvalidInput,
                "not an http(s) URL (" + std::string(why) + "): '" + std::string(text) + "'");
  };
  for (char c : text)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      return invalid("blank or control character");
  Url url;
  auto colon = text.find("://");
  if (colon == std::string_view::npos) return invalid("no scheme");
  url.scheme = text.substr(0, colon);
  if (url.scheme != "http" && url.scheme != "https") return invalid("scheme");
  std::string_view rest = text.substr(colon + 3);
  auto slash = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, slash);
  url.path_and_query = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  if (url.path_and_query.front() != '/') url.path_and_query.insert(0, "/");
  if (auto hash = url.path_and_query.find('#'); hash != std::string::npos)
    url.path_and_query.resize(hash);
  if (authority.find('@') != std::string_view::npos)
    return invalid("credentials belong into a secret, not the URL");
  std::string_view port;
  if (authority.starts_with('[')) {
    auto end = authority.find(']');
    if (end == std::string_view::npos) return invalid("unclosed [");
    url.host = authority.substr(1, end - 1);
    if (end + 1 < authority.size()) {
      if (authority[end + 1] != ':') return invalid("host");
      port = authority.substr(end + 2);
    }
  } else {
    auto split = authority.rfind(':');
    url.host = authority.substr(0, split);
    if (split != std::string_view::npos) port = authority.substr(split + 1);
  }
  if (url.host.empty()) return invalid("no host");
  url.port = url.scheme == "https" ? 443 : 80;
  if (!port.empty()) {
    auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || end != port.data() + port.size() || url.port < 1 ||
        url.port > 65535)
      return invalid("port");
  }
  return url;
}

Result<std::string> resolve_url(std::string_view base, std::string_view reference) {
  if (reference.find("://") != std::string_view::npos) {
    (void)TRY(parse_url(reference));
    return std::string(reference);
  }
  auto url = TRY(parse_url(base));
  if (reference.starts_with("//")) return url.scheme + ":" + std::string(reference);
  if (reference.starts_with("/")) return url.origin() + std::string(reference);
  std::string path = url.path_and_query.substr(0, url.path_and_query.find('?'));
  if (reference.starts_with("?")) return url.origin() + path + std::string(reference);
  return url.origin() + path.substr(0, path.rfind('/') + 1) + std::string(reference);
}

}  // namespace imagebuild::http
