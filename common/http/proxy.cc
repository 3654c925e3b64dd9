#include "common/http/proxy.h"

#include <arpa/inet.h>

#include <charconv>
#include <string_view>

namespace imagebuild::http {
namespace {

std::string variable(const std::function<const char*(const char*)>& environment, const char* lower,
                     const char* upper) {
  for (const char* name : {lower, upper})
    if (const char* value = environment(name); value != nullptr && *value != '\0') return value;
  return {};
}

bool in_network(const std::string& host, std::string_view network) {
  auto slash = network.find('/');
  if (slash == std::string_view::npos) return false;
  in_addr address{}, base{};
  int bits = -1;
  std::string_view bit_text = network.substr(slash + 1);
  std::from_chars(bit_text.data(), bit_text.data() + bit_text.size(), bits);
  if (bits < 0 || bits > 32 || ::inet_pton(AF_INET, host.c_str(), &address) != 1 ||
      ::inet_pton(AF_INET, std::string(network.substr(0, slash)).c_str(), &base) != 1)
    return false;
  std::uint32_t mask = bits == 0 ? 0 : ~0u << (32 - bits);
  return (ntohl(address.s_addr) & mask) == (ntohl(base.s_addr) & mask);
}

bool exempt(const Url& url, std::string_view entry) {
  if (entry == "*") return true;
  if (auto colon = entry.rfind(':'); colon != std::string_view::npos && entry.find(':') == colon) {
    if (entry.substr(colon + 1) != std::to_string(url.port)) return false;
    entry = entry.substr(0, colon);
  }
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  if (entry.empty()) return false;
  if (url.host == entry || in_network(url.host, entry)) return true;
  std::string suffix = entry.starts_with('.') ? std::string(entry) : "." + std::string(entry);
  return url.host.ends_with(suffix);
}

}  // namespace

std::optional<std::string> find_proxy(const Url& url,
                                      const std::function<const char*(const char*)>& environment) {
  if (url.host == "localhost" || url.host == "::1" || url.host.starts_with("127."))
    return std::nullopt;
  std::string proxy = url.scheme == "https" ? variable(environment, "https_proxy", "HTTPS_PROXY")
                                            : variable(environment, "http_proxy", "HTTP_PROXY");
  if (proxy.empty()) return std::nullopt;
  std::string exceptions = variable(environment, "no_proxy", "NO_PROXY");
  std::string_view rest = exceptions;
  while (!rest.empty()) {
    auto end = rest.find_first_of(", ");
    if (exempt(url, rest.substr(0, end))) return std::nullopt;
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return proxy.find("://") == std::string::npos ? "http://" + proxy : proxy;
}

}  // namespace imagebuild::http
