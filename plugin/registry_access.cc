#include "plugin/registry_access.h"

#include <cstdlib>

#include "common/base/unique_fd.h"
#include "common/http/certificates.h"

namespace imagebuild::plugin {
namespace {

struct Place {
  std::string host, prefix;
  bool plain = false;  ///< http://
};

/// "http://127.0.0.1:5000/hub" → "127.0.0.1:5000", "hub/".
Result<Place> place_of(const registry::Mirror& mirror) {
  auto url = TRY_CONTEXT(http::parse_url(mirror.url), "--registry-mirror " + mirror.url);
  const std::string origin = url.origin();
  Place place{.host = origin.substr(origin.find("://") + 3), .prefix = url.path_and_query};
  place.plain = url.scheme == "http";
  while (place.prefix.starts_with('/')) place.prefix.erase(0, 1);
  while (place.prefix.ends_with('/')) place.prefix.pop_back();
  if (!place.prefix.empty()) place.prefix += '/';
  return place;
}

}  // namespace

Result<RegistryAccess> RegistryAccess::make(const RegistryFlags& flags,
                                            const std::vector<std::string>& insecure) {
  RegistryAccess access;
  registry::ClientOptions options;
  options.user_agent = "kubectl-imagebuild";
  options.credentials = TRY_CONTEXT(
      registry::load_user_credentials([](const char* name) { return std::getenv(name); }),
      "registry credentials");
  options.insecure = flags.insecure;
  options.insecure.insert(options.insecure.end(), insecure.begin(), insecure.end());
  for (const std::string& text : flags.mirrors) {
    auto mirror = TRY_CONTEXT(registry::Mirror::parse(text), "--registry-mirror");
    Place place = TRY(place_of(mirror));
    // Its URL says http: nobody has to call that host insecure a second time.
    if (place.plain) options.plain.push_back(place.host);
    access.replacements_.push_back({mirror.host, std::move(place.host), std::move(place.prefix)});
  }
  http::TransportOptions transport;
  if (!flags.ca.empty()) {
    transport.tls.ca_data = TRY_CONTEXT(read_file(flags.ca, 4u << 20), "--ca");
    TRY_CONTEXT(http::check_certificates(transport.tls.ca_data), "--ca " + flags.ca);
  }
  access.clock_ = std::make_unique<SystemClock>();
  access.transports_ = std::make_unique<registry::TransportPair>(transport);
  access.client_ = std::make_unique<registry::Client>(TRY(
      registry::Client::make(access.transports_->chooser(), *access.clock_, std::move(options))));
  return access;
}

oci::Reference RegistryAccess::reachable(const oci::Reference& reference) const {
  oci::Reference result = reference;
  for (const Replacement& replacement : replacements_) {
    if (replacement.registry != reference.registry) continue;
    result.registry = replacement.host;
    result.repository = replacement.prefix + reference.repository;
    break;
  }
  return result;
}

}  // namespace imagebuild::plugin
