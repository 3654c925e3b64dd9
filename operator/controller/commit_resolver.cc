#include "operator/controller/commit_resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include "common/base/scope_exit.h"

namespace imagebuild::controller {
namespace {

bool link_local(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return (ntohl(v4->sin_addr.s_addr) >> 16) == 0xA9FE;
  }
  if (address->sa_family != AF_INET6) return true;
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return v6.s6_addr[12] == 169 && v6.s6_addr[13] == 254;
  return IN6_IS_ADDR_LINKLOCAL(&v6);
}

}  // namespace

bool resolves_to_link_local(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0)
    return false;  // then nothing can be sent there either
  ScopeExit free_list([&] { freeaddrinfo(list); });
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next)
    if (link_local(entry->ai_addr)) return true;
  return false;
}

CommitResolver make_commit_resolver(http::Transport& transport) {
  return [&transport](const api::GitSource& source, const std::stop_token& stop) -> ResolvedCommit {
    auto url = http::parse_url(source.url);
    if (!url || resolves_to_link_local(url->host)) return {};
    auto resolved = git::resolve(
        transport, source.url,
        {.branch = source.branch, .tag = source.tag, .commit = source.commit}, std::nullopt, stop);
    if (!resolved) return {};
    return {resolved->commit, resolved->revision()};
  };
}

}  // namespace imagebuild::controller
