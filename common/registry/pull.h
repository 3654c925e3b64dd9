// Puller: the read half of the Client. Asks the mirrors in order, then the registry, and believes
// only bytes whose digest it has computed itself.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/registry/client.h"
#include "common/registry/session.h"

namespace imagebuild::registry {

class Puller {
 public:
  Puller(Session& session, Endpoints& endpoints, const Carrier& carrier)
      : session_(session), endpoints_(endpoints), carrier_(carrier) {}

  Result<RawManifest> manifest(const oci::Reference& reference);
  Result<std::optional<oci::Digest>> head(const oci::Reference& reference);
  Result<void> blob(const oci::Reference& repository, const oci::Descriptor& blob,
                    const BlobSink& sink);

  Result<RawManifest> manifest_at(const Endpoint& endpoint, const Access& access,
                                  const oci::Reference& reference);
  /// NotFound when it does not exist.
  Result<oci::Digest> head_at(const Endpoint& endpoint, const Access& access,
                              const oci::Reference& reference);

 private:
  template <typename T>
  Result<T> from_first(const std::string& registry,
                       const std::function<Result<T>(const Endpoint&)>& ask);

  Session& session_;
  Endpoints& endpoints_;
  const Carrier& carrier_;
};

}  // namespace imagebuild::registry
