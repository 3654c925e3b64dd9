#include "plugin/context_upload.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "builder/layer/compression.h"
#include "common/base/byte_size.h"
#include "common/base/sha256.h"
#include "common/base/unique_fd.h"
#include "plugin/progress_bar.h"
#include "plugin/registry_access.h"

namespace imagebuild::plugin {
namespace {

constexpr std::string_view kEmptyConfig = "{}";

/// A file without a name, gone with its descriptor.
Result<UniqueFd> temporary_file() {
  const char* variable = std::getenv("TMPDIR");
  std::string path = std::string(variable != nullptr && *variable != '\0' ? variable : "/tmp") +
                     "/kubectl-imagebuild-XXXXXX";
  UniqueFd fd(::mkostemp(path.data(), O_CLOEXEC));
  if (!fd) return errno_error("make a temporary file " + path);
  ::unlink(path.c_str());
  return fd;
}

struct Packed {
  UniqueFd file;
  oci::Descriptor blob;
};

Result<Packed> pack(const LocalContext& context) {
  Packed packed{.file = TRY(temporary_file()), .blob = {}};
  Sha256 hash;
  std::uint64_t size = 0;
  GzipCompressor gzip(
      [&](std::string_view bytes) -> Result<void> {
        hash.update(bytes);
        size += bytes.size();
        return write_all(packed.file.get(), bytes);
      },
      {});
  TRY(write_context_tar(context, [&](std::string_view bytes) { return gzip.write(bytes); }));
  TRY(gzip.finish());
  packed.blob = {.media_type = std::string(oci::media_type::kLayerGzip),
                 .digest = TRY(oci::Digest::from_hex(hash.finish_hex())),
                 .size = size};
  return packed;
}

registry::BlobSource source_of(const Packed& packed, ProgressBar& bar) {
  return {.size = packed.blob.size,
          .read_at = [&packed, &bar](std::uint64_t offset,
                                     std::span<char> buffer) -> Result<std::size_t> {
            const ssize_t count = ::pread(packed.file.get(), buffer.data(), buffer.size(),
                                          static_cast<off_t>(offset));
            if (count < 0) return errno_error("read the packed context");
            bar.advance(static_cast<std::uint64_t>(count));
            return static_cast<std::size_t>(count);
          }};
}

std::string artifact_of(const Packed& packed) {
  oci::Manifest manifest;
  manifest.artifact_type = api::kContextArtifactType;
  manifest.config = {.media_type = std::string(oci::media_type::kEmpty),
                     .digest = oci::Digest::of(kEmptyConfig),
                     .size = kEmptyConfig.size()};
  manifest.layers = {packed.blob};
  return manifest.serialise();
}

}  // namespace

Result<std::string> upload_context(Session& session, const RegistryFlags& flags,
                                   const LocalContext& context, const oci::Reference& image) {
  RegistryAccess access = TRY(RegistryAccess::make(flags));
  const Packed packed = TRY_CONTEXT(pack(context), "pack the context");
  const std::string manifest = artifact_of(packed);
  const auto digest = oci::Digest::of(manifest);
  const std::string tag = "context-" + digest.hex12();
  const oci::Reference target = access.reachable(image.with_tag(tag));
  auto push = [&]() -> Result<void> {
    if (TRY(access.client().head(target)) == digest) {
      session.console.note("the registry has this context already\n");
      return {};
    }
    ProgressBar bar(session.console, "uploading context", packed.blob.size);
    TRY(access.client().push_blob(target, packed.blob.digest, source_of(packed, bar)));
    TRY(access.client().push_blob(target, oci::Digest::of(kEmptyConfig),
                                  registry::BlobSource::from_bytes(std::string(kEmptyConfig))));
    TRY(access.client().put_manifest(target, oci::media_type::kManifest, manifest));
    return {};
  };
  auto pushed = push();
  if (!pushed && pushed.error().kind == ErrorKind::Transient)
    return std::move(pushed).error().context(
        "upload the context (a registry with another name outside the cluster: --registry-mirror " +
        image.registry + "=URL)");
  TRY_CONTEXT(std::move(pushed), "upload the context to " + target.to_string());
  session.console.note("uploaded the context, " + format_bytes(packed.blob.size) + ", as " +
                       target.to_string() + "\n");
  return image.with_digest(digest).to_string();
}

}  // namespace imagebuild::plugin
