// An image as one tar file: an OCI layout in a tar, or what `docker save` writes.
#include <fcntl.h>
#include <unistd.h>

#include <set>

#include "builder/executor/image.h"
#include "builder/layer/compression.h"
#include "common/archive/tar.h"
#include "common/base/json.h"
#include "common/base/scope_exit.h"
#include "common/base/unique_fd.h"

namespace imagebuild::executor {
namespace {

constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";
constexpr std::string_view kImageName = "io.containerd.image.name";

class Archive {
 public:
  explicit Archive(int fd) : tar_(sink_to_fd(fd)) {}

  Result<void> add(const std::string& path, std::string_view content) {
    if (!names_.insert(path).second) return {};
    TRY(tar_.begin({.path = path, .size = content.size(), .link_target = {}, .xattrs = {}}));
    return tar_.write(content);
  }

  Result<void> add(const std::string& path, std::uint64_t size, const ByteSource& content) {
    if (!names_.insert(path).second) return {};
    TRY(tar_.begin({.path = path, .size = size, .link_target = {}, .xattrs = {}}));
    const std::uint64_t written =
        TRY(pump(content, [&](std::string_view bytes) { return tar_.write(bytes); }));
    if (written == size) return {};
    return fail(ErrorKind::Internal,
                path + " has " + std::to_string(written) + " bytes, not " + std::to_string(size));
  }

  Result<void> finish() { return tar_.finish(); }

 private:
  TarWriter tar_;
  std::set<std::string> names_;  // a layer may be in an image twice
};

std::uint64_t uncompressed_bytes(const ImageLayer& layer) {
  return layer.base != nullptr ? layer.base->uncompressed.at(layer.base_index)
                               : layer.finished.get()->blob.uncompressed;
}

Result<void> write_oci(const Image& image, const std::vector<oci::Reference>& references,
                       const BlobStore& blobs, Archive& archive) {
  TRY(archive.add("oci-layout", R"({"imageLayoutVersion":"1.0.0"})"));
  for (const auto& layer : image.layers) {
    const LayerBlob& blob = layer.finished.get()->blob;
    auto reader = TRY(blobs.read(blob.digest));
    TRY(archive.add("blobs/sha256/" + blob.digest.hex(), blob.size,
                    [&](std::span<char> buffer) { return reader.read(buffer); }));
  }
  TRY(archive.add("blobs/sha256/" + image.config_descriptor.digest.hex(), image.config));
  TRY(archive.add("blobs/sha256/" + image.digest.hex(), image.manifest));
  oci::Index index;
  for (const auto& reference : references) {
    auto entry = image.manifest_descriptor;
    entry.annotations[std::string(kRefName)] = reference.tag_or_latest();
    entry.annotations[std::string(kImageName)] =
        reference.with_tag(reference.tag_or_latest()).to_string();
    index.manifests.push_back(std::move(entry));
  }
  if (references.empty()) index.manifests.push_back(image.manifest_descriptor);
  return archive.add("index.json", index.serialise());
}

Result<void> write_docker(const Image& image, const std::vector<oci::Reference>& references,
                          const BlobStore& blobs, Archive& archive) {
  Json names = Json::array(), layers = Json::array();
  for (const auto& reference : references)
    names.push_back(reference.with_tag(reference.tag_or_latest()).familiar());
  for (const auto& layer : image.layers) {
    const LayerBlob& blob = layer.finished.get()->blob;
    const std::uint64_t size = uncompressed_bytes(layer);
    const std::string path = blob.diff_id.hex() + "/layer.tar";
    auto reader = TRY(blobs.read(blob.digest));
    auto plain =
        open_decompressor([&](std::span<char> buffer) { return reader.read(buffer); }, size);
    TRY(archive.add(path, size, plain));
    layers.push_back(path);
  }
  const std::string config = image.config_descriptor.digest.hex() + ".json";
  TRY(archive.add(config, image.config));
  const Json manifest = Json::array(
      {{{"Config", config}, {"RepoTags", std::move(names)}, {"Layers", std::move(layers)}}});
  return archive.add("manifest.json", dump_json(manifest));
}

}  // namespace

Result<void> write_archive(const Image& image, const ArchiveOutput& output,
                           const BlobStore& blobs) {
  const std::string temporary = output.path + ".tmp." + std::to_string(::getpid());
  auto file = TRY(open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC));
  ScopeExit remove([&] { ::unlink(temporary.c_str()); });  // nothing once it is renamed
  Archive archive(file.get());
  TRY(output.format == ArchiveOutput::Format::Docker
          ? write_docker(image, output.references, blobs, archive)
          : write_oci(image, output.references, blobs, archive));
  TRY(archive.finish());
  if (::rename(temporary.c_str(), output.path.c_str()) != 0)
    return errno_error("rename " + temporary);
  return {};
}

}  // namespace imagebuild::executor
