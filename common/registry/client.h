// Client: pulls from and pushes to OCI and Docker registries (distribution-spec 1.1). Thread-safe:
// several threads may upload and download at once. What arrives is checked against the digest that
// was asked for, whatever the registry claims. Credentials go to the registry and its token server,
// never to where they redirect to.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/result.h"
#include "common/oci/image_config.h"
#include "common/oci/manifest.h"
#include "common/oci/reference.h"
#include "common/registry/blob_source.h"
#include "common/registry/credentials.h"
#include "common/registry/retry.h"
#include "common/registry/transports.h"

namespace imagebuild::registry {

/// Pulls of `host` ask `url` first: "docker.io" = "https://mirror.acme.io/hub" asks for
/// …/v2/hub/library/alpine.
struct Mirror {
  std::string host;
  std::string url;

  /// "HOST=URL". InvalidInput otherwise.
  static Result<Mirror> parse(std::string_view text);
};

struct ClientOptions {
  Credentials credentials;
  std::vector<Mirror> mirrors;  ///< in the order to try, before the registry itself; pulls only
  std::vector<std::string> insecure;  ///< host[:port]: unverified https, else http
  std::vector<std::string> plain;     ///< host[:port]: http; https is not tried
  RetryPolicy retry;
  std::uint64_t monolithic_limit = 8u << 20;  ///< smaller blobs go in one PUT
  std::string user_agent = "imagebuild";
  Logger log;
  std::stop_token stop;
};

/// A manifest or index, verified.
struct RawManifest {
  oci::Digest digest;  ///< of `bytes`
  std::string media_type;
  std::string bytes;
};

struct ResolvedImage {
  oci::Digest digest;  ///< of the platform's manifest
  oci::Digest
      named_digest;  ///< of what the reference names: the index, if it is one; what head() answers
  std::string media_type;
  std::string raw;  ///< the manifest's bytes
  oci::Manifest manifest;
  std::optional<oci::Platform> platform;  ///< as the index lists it
};

/// Receives a blob's bytes in order. An error ends the transfer and is what fetch_blob() returns.
using BlobSink = std::function<Result<void>(std::string_view bytes)>;

enum class PushOutcome { Existed, Mounted, Uploaded };

class Client {
 public:
  /// InvalidInput: a mirror URL is none.
  static Result<Client> make(TransportFor transports, const Clock& clock, ClientOptions options);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // --- pull: mirrors first, then the registry. NotFound, Denied, Transient; InvalidInput when
  // content is not what its
  // --- digest says. Only registry and repository of a `repository` argument count.

  /// The manifest for `platform`, through an index if there is one.
  Result<ResolvedImage> resolve(const oci::Reference& reference, const oci::Platform& platform);
  /// What the reference names, manifest or index.
  Result<RawManifest> fetch_manifest(const oci::Reference& reference);
  /// The digest a tag points to (by HEAD; what the registry says); nullopt: it does not exist.
  Result<std::optional<oci::Digest>> head(const oci::Reference& reference);
  Result<oci::ImageConfig> fetch_config(const oci::Reference& repository,
                                        const oci::Descriptor& config);
  /// Streams the blob in bounded memory, size and digest checked; goes on after a cut where it was.
  /// The sink has seen unverified bytes when this fails.
  Result<void> fetch_blob(const oci::Reference& repository, const oci::Descriptor& blob,
                          const BlobSink& sink);

  // --- push: the registry only.

  /// Whether the repository has the blob. Registries that answer 405 have it not.
  Result<bool> blob_exists(const oci::Reference& repository, const oci::Digest& digest);
  /// Takes the blob over from another repository of the same registry;
  /// false: it has to be uploaded.
  Result<bool> mount_blob(const oci::Reference& to, const oci::Digest& digest,
                          const oci::Reference& from);
  Result<void> upload_blob(const oci::Reference& to, const oci::Digest& digest,
                           const BlobSource& source);
  /// Existence, else mount (when `from` is of the same registry), else upload.
  Result<PushOutcome> push_blob(const oci::Reference& to, const oci::Digest& digest,
                                const BlobSource& source,
                                const std::optional<oci::Reference>& from = std::nullopt);
  /// Puts a manifest or index at the reference's tag or digest, and asks for it by digest
  /// afterwards. Internal: the registry stored something else. Push by digest first, then the tags.
  Result<oci::Digest> put_manifest(const oci::Reference& to, std::string_view media_type,
                                   std::string_view bytes);

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace imagebuild::registry
