// Registries as this machine reaches them: the user's own credentials, and mirrors for names that
// mean something inside the cluster only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/registry/client.h"
#include "plugin/commands.h"

namespace imagebuild::plugin {

/// A client with what it needs to live.
class RegistryAccess {
 public:
  /// `insecure` is added to that of the flags: what the ImageBuild itself calls insecure.
  static Result<RegistryAccess> make(const RegistryFlags& flags,
                                     const std::vector<std::string>& insecure = {});

  registry::Client& client() { return *client_; }
  /// The reference under the name that this machine reaches it by: with a mirror's host and prefix
  /// instead of its own. For pulls and pushes; nothing falls back to the cluster's name.
  oci::Reference reachable(const oci::Reference& reference) const;

 private:
  RegistryAccess() = default;

  std::unique_ptr<Clock> clock_;
  std::unique_ptr<registry::TransportPair> transports_;
  std::unique_ptr<registry::Client> client_;
  struct Replacement {
    std::string registry, host, prefix;
  };
  std::vector<Replacement> replacements_;
};

}  // namespace imagebuild::plugin
