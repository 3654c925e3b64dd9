// Where a registry is asked: its mirrors for pulls, then itself; over verified https, or, for hosts
// the user listed as insecure, over unverified https or http, whichever answers.
#pragma once

#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/registry/client.h"
#include "common/registry/transports.h"

namespace imagebuild::registry {

struct Endpoint {
  std::string registry;  ///< for credentials and messages: "docker.io", or a mirror's host[:port]
  std::string base;      ///< "https://registry-1.docker.io"
  std::string prefix;    ///< in front of every repository: "" or "hub/"
  bool is_mirror = false;

  std::string repository(const oci::Reference& reference) const {
    return prefix + reference.repository;
  }
  /// "<base>/v2/<repository>/<rest>".
  std::string url(const oci::Reference& reference, std::string_view rest) const {
    return base + "/v2/" + repository(reference) + "/" + std::string(rest);
  }
};

/// "host[:port]" of a URL, the scheme's default port left out.
std::string authority_of(const http::Url& url);
/// Literal link-local addresses, where clouds keep their metadata services: never asked because a
/// registry says so.
bool is_link_local(std::string_view host);

class Endpoints {
 public:
  Endpoints(TransportFor transports, const std::vector<Mirror>& mirrors,
            std::vector<std::string> insecure, const std::vector<std::string>& plain = {});

  /// Mirrors in order, then the registry itself.
  std::vector<Endpoint> for_pull(const std::string& registry, const std::stop_token& stop);
  Endpoint origin(const std::string& registry, const std::stop_token& stop);

  /// Whether the user listed this host[:port]; an entry without a port stands for all ports.
  bool is_insecure(const http::Url& url) const;
  http::Transport& transport_for(const http::Url& url) const;
  /// Whether a client at `from` may be sent to `to`: never down from https to http unless `to` is
  /// insecure, never to a link-local address. Denied says why.
  Result<void> check_move(const http::Url& from, const http::Url& to) const;

 private:
  std::string probe(const std::string& host, const std::stop_token& stop) const;

  const TransportFor transports_;
  std::vector<std::string> insecure_;                     // const after construction
  std::map<std::string, std::vector<Endpoint>> mirrors_;  // by registry; const after construction

  std::mutex mutex_;                           // guards probed_
  std::map<std::string, std::string> probed_;  // insecure host → base that answered
};

}  // namespace imagebuild::registry
