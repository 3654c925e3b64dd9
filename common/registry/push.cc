#include "common/registry/push.h"

#include "common/registry/blob_upload.h"
#include "common/registry/errors.h"

namespace imagebuild::registry {
namespace {

constexpr std::chrono::minutes kCommitTimeout{10};  // registries copy and verify before they answer

}  // namespace

Result<bool> blob_exists_at(Session& session, const Endpoint& endpoint,
                            const oci::Reference& repository, const oci::Digest& digest) {
  Call call;
  call.request.method = "HEAD";
  call.request.url = endpoint.url(repository, "blobs/" + digest.to_string());
  auto answer = TRY(session.send(endpoint, Access::push(endpoint.repository(repository)), call));
  if (answer.response.ok()) return true;
  bool elsewhere = !answer.url.starts_with(endpoint.base + "/");
  int status = answer.response.status;
  if (elsewhere || status == 404 || status == 405) return false;
  return error_of(answer.response);
}

Result<void> check_stored_digest(const http::Response& response, const oci::Digest& sent) {
  auto stored = response.headers.find("Docker-Content-Digest");
  if (!stored || *stored == sent.to_string()) return {};
  return fail(ErrorKind::Internal,
              "sent " + sent.to_string() + ", the registry stored " + printable(*stored, 100));
}

Result<bool> Pusher::exists(const oci::Reference& repository, const oci::Digest& digest) {
  return blob_exists_at(session_, origin(repository), repository, digest);
}

Result<Pusher::MountAnswer> Pusher::try_mount(const Endpoint& endpoint, const oci::Reference& to,
                                              const oci::Digest& digest,
                                              const oci::Reference& from) {
  MountAnswer nothing;
  if (from.registry != to.registry || from.repository == to.repository) return nothing;
  Access access = Access::push(endpoint.repository(to));
  access.scopes.merge(Access::pull(endpoint.repository(from)).scopes);
  Call call;
  call.request.method = "POST";
  call.request.url = endpoint.url(
      to, "blobs/uploads/?mount=" + digest.to_string() + "&from=" + endpoint.repository(from));
  auto answer = session_.send(endpoint, access, call);
  // Mounting is a shortcut: a registry that does not allow it gets an upload,
  // which has its own errors.
  if (!answer && answer.error().kind == ErrorKind::Denied) return nothing;
  if (!answer) return std::move(answer).error();
  int status = answer->response.status;
  if (status == 201) {
    TRY(check_stored_digest(answer->response, digest));
    return MountAnswer{.mounted = true, .upload_location = std::nullopt};
  }
  if (status == 202)
    return MountAnswer{.mounted = false, .upload_location = TRY(answer->location())};
  if (error_of(answer->response).kind == ErrorKind::Transient) return error_of(answer->response);
  return nothing;
}

Result<bool> Pusher::mount(const oci::Reference& to, const oci::Digest& digest,
                           const oci::Reference& from) {
  Endpoint endpoint = origin(to);
  auto answer = TRY(try_mount(endpoint, to, digest, from));
  if (answer.upload_location) {
    Call call;
    call.request.method = "DELETE";
    call.request.url = *answer.upload_location;
    // Registries drop abandoned uploads anyway.
    if (auto dropped = session_.send(endpoint, Access::push(endpoint.repository(to)), call);
        !dropped)
      carrier_.log().debug("upload not cancelled", {{"error", dropped.error()}});
  }
  return answer.mounted;
}

Result<void> Pusher::upload_at(const Endpoint& endpoint, const oci::Reference& to,
                               const oci::Digest& digest, const BlobSource& source,
                               std::optional<std::string> location) {
  return BlobUpload(session_, carrier_, endpoint, to, digest, source, monolithic_limit_)
      .run(std::move(location));
}

Result<void> Pusher::upload(const oci::Reference& to, const oci::Digest& digest,
                            const BlobSource& source) {
  return upload_at(origin(to), to, digest, source, std::nullopt);
}

Result<PushOutcome> Pusher::push(const oci::Reference& to, const oci::Digest& digest,
                                 const BlobSource& source,
                                 const std::optional<oci::Reference>& from) {
  Endpoint endpoint = origin(to);
  if (TRY(blob_exists_at(session_, endpoint, to, digest))) return PushOutcome::Existed;
  MountAnswer mount;
  if (from) mount = TRY(try_mount(endpoint, to, digest, *from));
  if (mount.mounted) return PushOutcome::Mounted;
  TRY(upload_at(endpoint, to, digest, source, mount.upload_location));
  return PushOutcome::Uploaded;
}

Result<oci::Digest> Pusher::put_manifest(const oci::Reference& to, std::string_view media_type,
                                         std::string_view bytes) {
  auto digest = oci::Digest::of(bytes);
  if (to.digest && *to.digest != digest)
    return fail(ErrorKind::InvalidInput, "the manifest's digest is " + digest.to_string());
  Endpoint endpoint = origin(to);
  Call call;
  call.request.method = "PUT";
  call.request.url = endpoint.url(to, "manifests/" + to.identifier());
  call.request.headers.add("Content-Type", std::string(media_type));
  call.request.body = bytes;
  call.request.timeout = kCommitTimeout;
  auto answer = TRY(session_.send(endpoint, Access::push(endpoint.repository(to)), call));
  if (!answer.response.ok()) return error_of(answer.response);
  TRY(check_stored_digest(answer.response, digest));
  TRY(confirm_manifest(endpoint, to, digest));
  return digest;
}

Result<void> Pusher::confirm_manifest(const Endpoint& endpoint, const oci::Reference& to,
                                      const oci::Digest& digest) {
  Retry retry(carrier_.policy(), carrier_.stop());
  for (;;) {
    auto stored =
        puller_.head_at(endpoint, Access::push(endpoint.repository(to)), to.with_digest(digest));
    if (stored) return {};
    // Registries with several replicas need a moment.
    bool not_yet = stored.error().kind == ErrorKind::NotFound;
    if (not_yet && retry.again()) continue;
    Error error = std::move(stored).error();
    if (error.kind == ErrorKind::NotFound || error.kind == ErrorKind::InvalidInput)
      error.kind = ErrorKind::Internal;
    return std::move(error).context("the registry accepted the manifest, then asked by digest");
  }
}

}  // namespace imagebuild::registry
