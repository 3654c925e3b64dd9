// Pusher: the write half of the Client. Speaks to the registry itself, never to a mirror.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/registry/client.h"
#include "common/registry/pull.h"
#include "common/registry/session.h"

namespace imagebuild::registry {

class Pusher {
 public:
  Pusher(Session& session, Endpoints& endpoints, const Carrier& carrier, Puller& puller,
         std::uint64_t monolithic_limit)
      : session_(session),
        endpoints_(endpoints),
        carrier_(carrier),
        puller_(puller),
        monolithic_limit_(monolithic_limit) {}

  Result<bool> exists(const oci::Reference& repository, const oci::Digest& digest);
  Result<bool> mount(const oci::Reference& to, const oci::Digest& digest,
                     const oci::Reference& from);
  Result<void> upload(const oci::Reference& to, const oci::Digest& digest,
                      const BlobSource& source);
  Result<PushOutcome> push(const oci::Reference& to, const oci::Digest& digest,
                           const BlobSource& source, const std::optional<oci::Reference>& from);
  Result<oci::Digest> put_manifest(const oci::Reference& to, std::string_view media_type,
                                   std::string_view bytes);

 private:
  struct MountAnswer {
    bool mounted = false;
    std::optional<std::string> upload_location;  ///< the registry started an upload instead
  };
  Result<MountAnswer> try_mount(const Endpoint& endpoint, const oci::Reference& to,
                                const oci::Digest& digest, const oci::Reference& from);
  Result<void> upload_at(const Endpoint& endpoint, const oci::Reference& to,
                         const oci::Digest& digest, const BlobSource& source,
                         std::optional<std::string> location);
  Result<void> confirm_manifest(const Endpoint& endpoint, const oci::Reference& to,
                                const oci::Digest& digest);
  Endpoint origin(const oci::Reference& reference) {
    return endpoints_.origin(reference.registry, carrier_.stop());
  }

  Session& session_;
  Endpoints& endpoints_;
  const Carrier& carrier_;
  Puller& puller_;
  const std::uint64_t monolithic_limit_;
};

/// Whether the repository has the blob; registries that answer 404, 405
/// or a failing redirect have it not.
Result<bool> blob_exists_at(Session& session, const Endpoint& endpoint,
                            const oci::Reference& repository, const oci::Digest& digest);
/// Internal when the registry names another digest than the one sent.
Result<void> check_stored_digest(const http::Response& response, const oci::Digest& sent);

}  // namespace imagebuild::registry
