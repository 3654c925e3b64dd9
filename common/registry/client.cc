#include "common/registry/client.h"

#include "common/registry/authenticator.h"
#include "common/registry/carrier.h"
#include "common/registry/endpoint.h"
#include "common/registry/pull.h"
#include "common/registry/push.h"
#include "common/registry/session.h"

namespace imagebuild::registry {

// The parts in the order in which each knows the ones before.
struct Client::State {
  State(TransportFor transports, const Clock& clock, ClientOptions options)
      : credentials(std::move(options.credentials)),
        endpoints(std::move(transports), options.mirrors, options.insecure, options.plain),
        carrier(endpoints, options.retry, options.user_agent, options.log, options.stop),
        authenticator(credentials, clock, carrier),
        session(carrier, authenticator),
        puller(session, endpoints, carrier),
        pusher(session, endpoints, carrier, puller, options.monolithic_limit) {}

  const Credentials credentials;
  Endpoints endpoints;
  Carrier carrier;
  Authenticator authenticator;
  Session session;
  Puller puller;
  Pusher pusher;
};

namespace {

std::string pulling(const oci::Reference& reference) { return "pull " + reference.to_string(); }
std::string pushing(const oci::Reference& reference) { return "push " + reference.to_string(); }

Result<oci::Manifest> parse_chosen(const RawManifest& raw) {
  if (oci::media_type::is_index(raw.media_type))
    return fail(ErrorKind::InvalidInput, "the index leads to another index");
  return oci::Manifest::parse(raw.bytes);
}

}  // namespace

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::make(TransportFor transports, const Clock& clock, ClientOptions options) {
  for (const auto& mirror : options.mirrors)
    TRY_CONTEXT(http::parse_url(mirror.url), "registry mirror of " + mirror.host);
  return Client(std::make_unique<State>(std::move(transports), clock, std::move(options)));
}

Result<RawManifest> Client::fetch_manifest(const oci::Reference& reference) {
  return state_->puller.manifest(reference).context(pulling(reference));
}

Result<ResolvedImage> Client::resolve(const oci::Reference& reference,
                                      const oci::Platform& platform) {
  std::string what = pulling(reference);
  auto raw = TRY_CONTEXT(state_->puller.manifest(reference), what);
  ResolvedImage image;
  image.named_digest = raw.digest;
  if (oci::media_type::is_index(raw.media_type)) {
    auto index = TRY_CONTEXT(oci::Index::parse(raw.bytes), what);
    auto chosen = TRY_CONTEXT(index.choose(platform), what);
    image.platform = chosen.platform;
    raw = TRY_CONTEXT(state_->puller.manifest(reference.with_digest(chosen.digest)), what);
  }
  image.manifest = TRY_CONTEXT(parse_chosen(raw), what);
  image.digest = raw.digest;
  image.media_type = raw.media_type;
  image.raw = std::move(raw.bytes);
  return image;
}

Result<std::optional<oci::Digest>> Client::head(const oci::Reference& reference) {
  return state_->puller.head(reference).context("look up " + reference.to_string());
}

Result<oci::ImageConfig> Client::fetch_config(const oci::Reference& repository,
                                              const oci::Descriptor& config) {
  std::string what = "pull " + repository.name() + ": image config " + config.digest.to_string();
  if (config.size > oci::kMaxConfigBytes)
    return fail(ErrorKind::InvalidInput, what + ": larger than 8 MiB");
  std::string text;
  TRY_CONTEXT(state_->puller.blob(repository, config,
                                  [&](std::string_view bytes) -> Result<void> {
                                    text += bytes;
                                    return {};
                                  }),
              what);
  return oci::ImageConfig::parse(text).context(what);
}

Result<void> Client::fetch_blob(const oci::Reference& repository, const oci::Descriptor& blob,
                                const BlobSink& sink) {
  return state_->puller.blob(repository, blob, sink)
      .context("pull " + repository.name() + ": blob " + blob.digest.to_string());
}

Result<bool> Client::blob_exists(const oci::Reference& repository, const oci::Digest& digest) {
  return state_->pusher.exists(repository, digest)
      .context("look up " + repository.name() + ": blob " + digest.to_string());
}

Result<bool> Client::mount_blob(const oci::Reference& to, const oci::Digest& digest,
                                const oci::Reference& from) {
  return state_->pusher.mount(to, digest, from)
      .context(pushing(to) + ": mount " + digest.to_string());
}

Result<void> Client::upload_blob(const oci::Reference& to, const oci::Digest& digest,
                                 const BlobSource& source) {
  return state_->pusher.upload(to, digest, source)
      .context(pushing(to) + ": upload " + digest.to_string());
}

Result<PushOutcome> Client::push_blob(const oci::Reference& to, const oci::Digest& digest,
                                      const BlobSource& source,
                                      const std::optional<oci::Reference>& from) {
  return state_->pusher.push(to, digest, source, from)
      .context(pushing(to) + ": upload " + digest.to_string());
}

Result<oci::Digest> Client::put_manifest(const oci::Reference& to, std::string_view media_type,
                                         std::string_view bytes) {
  return state_->pusher.put_manifest(to, media_type, bytes).context(pushing(to) + ": manifest");
}

}  // namespace imagebuild::registry
