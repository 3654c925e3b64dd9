#include "plugin/registry_access.h"

#include <cstdlib>
#include <set>

#include "common/base/unique_fd.h"
#include "common/http/certificates.h"

namespace imagebuild::plugin {
namespace {

/// Refuses https to some hosts at once: whoever writes http:// into a mirror's URL knows what is
/// there, and asking a plain server for TLS may take until the time-out.
class PlainOnly final : public http::Transport {
 public:
  PlainOnly(http::Transport& transport, std::set<std::string> hosts)
      : transport_(transport), hosts_(std::move(hosts)) {}
  Result<http::Response> send(const http::Request& request, std::stop_token stop) override {
    auto url = TRY(http::parse_url(request.url));
    const std::string origin = url.origin();
    if (url.scheme == "https" && hosts_.count(origin.substr(origin.find("://") + 3)) != 0)
      return fail(ErrorKind::Transient, request.url + ": its URL says http");
    return transport_.send(request, std::move(stop));
  }

 private:
  http::Transport& transport_;
  const std::set<std::string> hosts_;
};

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
  std::set<std::string> plain;
  for (const std::string& text : flags.mirrors) {
    auto mirror = TRY_CONTEXT(registry::Mirror::parse(text), "--registry-mirror");
    Place place = TRY(place_of(mirror));
    // Its URL says http: nobody has to call that host insecure a second time.
    if (place.plain) {
      options.insecure.push_back(place.host);
      plain.insert(place.host);
    }
    access.replacements_.push_back({mirror.host, std::move(place.host), std::move(place.prefix)});
  }
  http::TransportOptions transport;
  if (!flags.ca.empty()) {
    transport.tls.ca_data = TRY_CONTEXT(read_file(flags.ca, 4u << 20), "--ca");
    TRY_CONTEXT(http::check_certificates(transport.tls.ca_data), "--ca " + flags.ca);
  }
  access.clock_ = std::make_unique<SystemClock>();
  access.transports_ = std::make_unique<registry::TransportPair>(transport);
  const auto any = access.transports_->chooser();
  access.plain_verified_ =
      std::make_unique<PlainOnly>(any("", registry::Verification::Verified), plain);
  access.plain_unverified_ =
      std::make_unique<PlainOnly>(any("", registry::Verification::Unverified), plain);
  auto choose = [verified = access.plain_verified_.get(),
                 unverified = access.plain_unverified_.get()](
                    std::string_view, registry::Verification verification) -> http::Transport& {
    return verification == registry::Verification::Verified ? *verified : *unverified;
  };
  access.client_ = std::make_unique<registry::Client>(
      TRY(registry::Client::make(choose, *access.clock_, std::move(options))));
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
