#include "common/registry/pull.h"

#include "common/registry/blob_download.h"
#include "common/registry/errors.h"

namespace imagebuild::registry {
namespace {

namespace media_type = oci::media_type;

std::string accepted_manifests() {
  std::string list;
  for (auto type : {media_type::kManifest, media_type::kIndex, media_type::kDockerManifest,
                    media_type::kDockerManifestList})
    list += (list.empty() ? "" : ", ") + std::string(type);
  return list;
}

Call manifest_call(const char* method, const Endpoint& endpoint, const oci::Reference& reference) {
  Call call;
  call.request.method = method;
  call.request.url = endpoint.url(reference, "manifests/" + reference.identifier());
  call.request.headers.add("Accept", accepted_manifests());
  call.request.headers.add("Accept-Encoding", "identity");
  call.request.max_body = oci::kMaxManifestBytes;
  return call;
}

Result<void> check_digest(const std::optional<oci::Digest>& asked, const oci::Digest& got) {
  if (!asked || *asked == got) return {};
  return fail(ErrorKind::InvalidInput,
              "asked for " + asked->to_string() + ", got " + got.to_string());
}

}  // namespace

template <typename T>
Result<T> Puller::from_first(const std::string& registry,
                             const std::function<Result<T>(const Endpoint&)>& ask) {
  std::string mirrors;
  for (const auto& endpoint : endpoints_.for_pull(registry, carrier_.stop())) {
    auto result = ask(endpoint);
    if (result || result.error().kind == ErrorKind::Canceled) return result;
    if (!endpoint.is_mirror) {
      if (!mirrors.empty()) result.error().message += " (before that" + mirrors + ")";
      return result;
    }
    mirrors += "; mirror " + endpoint.registry + ": " + result.error().message;
    carrier_.log().debug("mirror did not answer, asking the next",
                         {{"mirror", endpoint.registry}, {"error", result.error()}});
  }
  return fail(ErrorKind::Internal, "no endpoint for " + registry);
}

Result<RawManifest> Puller::manifest_at(const Endpoint& endpoint, const Access& access,
                                        const oci::Reference& reference) {
  auto answer = TRY(session_.send(endpoint, access, manifest_call("GET", endpoint, reference)));
  if (!answer.response.ok()) return error_of(answer.response);
  RawManifest manifest{.digest = oci::Digest::of(answer.response.body),
                       .media_type = {},
                       .bytes = std::move(answer.response.body)};
  TRY(check_digest(reference.digest, manifest.digest));
  std::string content_type = answer.response.headers.find("Content-Type").value_or("");
  manifest.media_type = TRY(oci::detect_media_type(manifest.bytes, content_type));
  return manifest;
}

Result<oci::Digest> Puller::head_at(const Endpoint& endpoint, const Access& access,
                                    const oci::Reference& reference) {
  auto answer = TRY(session_.send(endpoint, access, manifest_call("HEAD", endpoint, reference)));
  auto digest = answer.response.headers.find("Docker-Content-Digest");
  bool unhelpful = answer.response.status == 405 || (answer.response.ok() && !digest);
  if (unhelpful) return TRY(manifest_at(endpoint, access, reference)).digest;
  if (!answer.response.ok()) return error_of(answer.response);
  auto got = TRY_CONTEXT(oci::Digest::parse(*digest), "Docker-Content-Digest");
  TRY(check_digest(reference.digest, got));
  return got;
}

Result<RawManifest> Puller::manifest(const oci::Reference& reference) {
  return from_first<RawManifest>(reference.registry, [&](const Endpoint& endpoint) {
    return manifest_at(endpoint, Access::pull(endpoint.repository(reference)), reference);
  });
}

Result<std::optional<oci::Digest>> Puller::head(const oci::Reference& reference) {
  auto digest = from_first<oci::Digest>(reference.registry, [&](const Endpoint& endpoint) {
    return head_at(endpoint, Access::pull(endpoint.repository(reference)), reference);
  });
  if (!digest && digest.error().kind == ErrorKind::NotFound) return std::optional<oci::Digest>();
  if (!digest) return std::move(digest).error();
  return std::optional(*digest);
}

Result<void> Puller::blob(const oci::Reference& repository, const oci::Descriptor& blob,
                          const BlobSink& sink) {
  // One download over all endpoints: what a mirror delivered before it
  // failed need not be fetched again.
  BlobDownload download(session_, carrier_, repository, blob, sink);
  return from_first<void>(repository.registry, [&](const Endpoint& endpoint) -> Result<void> {
    if (download.is_over()) return download.last_error();
    return download.run(endpoint);
  });
}

}  // namespace imagebuild::registry
