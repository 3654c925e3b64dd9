#include "operator/page/hosts.h"

#include <arpa/inet.h>

#include <algorithm>

namespace imagebuild::page {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  return result;
}

/// "[::1]:80" → "[::1]", "web:80" → "web".
std::string without_port(std::string_view host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos &&
      (bracket == std::string_view::npos ? host.find(':') == colon : colon > bracket))
    host = host.substr(0, colon);
  return lower(host);
}

// Only what is an address: 127.0.0.1.evil.example begins with 127, too.
bool is_loopback(const std::string& name) {
  in_addr address{};
  if (::inet_pton(AF_INET, name.c_str(), &address) == 1)
    return (ntohl(address.s_addr) >> 24) == 127;
  return name == "localhost" || name == "[::1]";
}

}  // namespace

AllowedHosts::AllowedHosts(std::string_view address, std::vector<std::string> names)
    : any_(names.empty() && !is_loopback(without_port(address))) {
  for (const std::string& name : names) names_.push_back(lower(name));
}

bool AllowedHosts::allow(std::string_view host) const {
  if (any_) return true;
  const std::string name = without_port(host);
  return is_loopback(name) || std::find(names_.begin(), names_.end(), name) != names_.end();
}

}  // namespace imagebuild::page
