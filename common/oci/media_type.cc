#include "common/oci/media_type.h"

#include <array>
#include <utility>

namespace imagebuild::oci::media_type {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kDockerToOci{{
    {kDockerManifest, kManifest},
    {kDockerManifestList, kIndex},
    {kDockerConfig, kConfig},
    {kDockerLayer, kLayer},
    {kDockerLayerGzip, kLayerGzip},
    {kDockerLayerZstd, kLayerZstd},
}};

constexpr std::string_view kForeignOciPrefix =
    "application/vnd.oci.image.layer.nondistributable.v1.tar";
constexpr std::string_view kForeignDocker = "application/vnd.docker.image.rootfs.foreign.diff.tar";

}  // namespace

std::string_view to_oci(std::string_view type) {
  for (const auto& [docker, oci] : kDockerToOci)
    if (type == docker) return oci;
  return type;
}

bool is_manifest(std::string_view type) { return to_oci(type) == kManifest; }
bool is_index(std::string_view type) { return to_oci(type) == kIndex; }
bool is_config(std::string_view type) { return to_oci(type) == kConfig; }

bool is_foreign_layer(std::string_view type) {
  return type.starts_with(kForeignOciPrefix) || type.starts_with(kForeignDocker);
}

bool is_layer(std::string_view type) {
  std::string_view oci = to_oci(type);
  return oci == kLayer || oci == kLayerGzip || oci == kLayerZstd || is_foreign_layer(type);
}

}  // namespace imagebuild::oci::media_type
