#include "common/registry/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>

namespace imagebuild::registry {
namespace {

constexpr std::string_view kDockerHub = "docker.io";
constexpr std::string_view kDockerHubApi = "registry-1.docker.io";

// A mirror's path, with or without the API's "/v2" in front, is a prefix of its repositories.
std::string repository_prefix(const http::Url& url) {
  std::string_view path =
      std::string_view(url.path_and_query).substr(0, url.path_and_query.find('?'));
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path == "v2") path = "";
  if (path.starts_with("v2/")) path.remove_prefix(3);
  return path.empty() ? "" : std::string(path) + "/";
}

}  // namespace

Result<Mirror> Mirror::parse(std::string_view text) {
  auto equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos)
    return fail(ErrorKind::InvalidInput,
                "registry mirror '" + std::string(text) + "': expected HOST=URL");
  std::string host(text.substr(0, equals));
  if (host == "index.docker.io" || host == kDockerHubApi) host = kDockerHub;
  auto reference = oci::Reference::parse(host + "/x");
  if (!reference || reference->registry != host)
    return fail(ErrorKind::InvalidInput,
                "registry mirror '" + std::string(text) + "': '" + host + "' is no registry host");
  auto url = TRY_CONTEXT(http::parse_url(text.substr(equals + 1)), "registry mirror of " + host);
  return Mirror{.host = host, .url = std::string(text.substr(equals + 1))};
}

std::string authority_of(const http::Url& url) {
  std::string origin = url.origin();
  return origin.substr(origin.find("://") + 3);
}

bool is_link_local(std::string_view host) {
  std::string text(host);
  in_addr v4{};
  in6_addr v6{};
  // inet_aton also reads the decimal and hexadecimal spellings that hide an address.
  if (::inet_aton(text.c_str(), &v4) != 0) return (ntohl(v4.s_addr) >> 16) == 0xA9FE;
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return v6.s6_addr[12] == 0xA9 && v6.s6_addr[13] == 0xFE;
  return IN6_IS_ADDR_LINKLOCAL(&v6);
}

Endpoints::Endpoints(TransportFor transports, const std::vector<Mirror>& mirrors,
                     std::vector<std::string> insecure, const std::vector<std::string>& plain)
    : transports_(std::move(transports)), insecure_(std::move(insecure)) {
  for (const auto& host : plain) {
    insecure_.push_back(host);
    probed_[host] = "http://" + host;
  }
  for (const auto& mirror : mirrors) {
    auto url = http::parse_url(mirror.url);
    if (!url) continue;  // Client::make refused it
    mirrors_[mirror.host].push_back({.registry = authority_of(*url),
                                     .base = url->origin(),
                                     .prefix = repository_prefix(*url),
                                     .is_mirror = true});
  }
}

bool Endpoints::is_insecure(const http::Url& url) const {
  std::string authority = authority_of(url);
  std::string with_port =
      (url.host.find(':') != std::string::npos ? "[" + url.host + "]" : url.host) + ":" +
      std::to_string(url.port);
  return std::any_of(insecure_.begin(), insecure_.end(), [&](const std::string& entry) {
    return entry == url.host || entry == authority || entry == with_port;
  });
}

http::Transport& Endpoints::transport_for(const http::Url& url) const {
  return transports_(url.host,
                     is_insecure(url) ? Verification::Unverified : Verification::Verified);
}

Result<void> Endpoints::check_move(const http::Url& from, const http::Url& to) const {
  std::string where = "sent on to " + to.origin() + ": ";
  if (is_link_local(to.host) && !is_link_local(from.host))
    return fail(ErrorKind::Denied, where + "a link-local address is never asked");
  if (from.scheme == "https" && to.scheme == "http" && !is_insecure(to))
    return fail(ErrorKind::Denied,
                where + "it leaves https; a registry behind a proxy needs X-Forwarded-Proto");
  return {};
}

std::string Endpoints::probe(const std::string& host, const std::stop_token& stop) const {
  for (const char* scheme : {"https://", "http://"}) {
    auto url = http::parse_url(scheme + host + "/v2/");
    if (!url) break;
    http::Request request;
    request.url = scheme + host + "/v2/";
    request.timeout = std::chrono::seconds(10);
    if (transport_for(*url).send(request, stop)) return url->origin();
  }
  return "";
}

Endpoint Endpoints::origin(const std::string& registry, const std::stop_token& stop) {
  std::string host(registry == kDockerHub ? kDockerHubApi : registry);
  Endpoint endpoint{
      .registry = registry, .base = "https://" + host, .prefix = "", .is_mirror = false};
  auto url = http::parse_url(endpoint.base);
  if (!url) return endpoint;  // the request says what is wrong with it
  endpoint.base = url->origin();
  if (!is_insecure(*url)) return endpoint;
  {
    std::lock_guard lock(mutex_);
    if (auto it = probed_.find(host); it != probed_.end()) {
      endpoint.base = it->second;
      return endpoint;
    }
  }
  std::string base = probe(host, stop);
  if (base.empty())
    return endpoint;  // nothing answers now: the request will say why,
                      // and the next call probes again
  endpoint.base = base;
  std::lock_guard lock(mutex_);
  probed_[host] = base;
  return endpoint;
}

std::vector<Endpoint> Endpoints::for_pull(const std::string& registry,
                                          const std::stop_token& stop) {
  std::vector<Endpoint> endpoints;
  if (auto it = mirrors_.find(registry); it != mirrors_.end()) endpoints = it->second;
  endpoints.push_back(origin(registry, stop));
  return endpoints;
}

}  // namespace imagebuild::registry
