// The media types of the OCI image specification and of Docker's schema 2,
// which say the same things.
#pragma once

#include <string_view>

namespace imagebuild::oci::media_type {

inline constexpr std::string_view kManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kLayer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view kLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view kLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr std::string_view kEmpty = "application/vnd.oci.empty.v1+json";

inline constexpr std::string_view kDockerManifest =
    "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerManifestList =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view kDockerLayer = "application/vnd.docker.image.rootfs.diff.tar";
inline constexpr std::string_view kDockerLayerGzip =
    "application/vnd.docker.image.rootfs.diff.tar.gzip";
inline constexpr std::string_view kDockerLayerZstd =
    "application/vnd.docker.image.rootfs.diff.tar.zstd";

inline constexpr std::string_view kDockerManifestV1 =
    "application/vnd.docker.distribution.manifest.v1+json";
inline constexpr std::string_view kDockerManifestV1Signed =
    "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// An image of one platform, OCI or Docker.
bool is_manifest(std::string_view type);
/// An OCI index or a Docker manifest list.
bool is_index(std::string_view type);
bool is_config(std::string_view type);
/// A layer that is a tar, compressed or not; also the non-distributable (foreign) ones.
bool is_layer(std::string_view type);
/// A layer that registries need not hold (Windows base layers): never pushed.
bool is_foreign_layer(std::string_view type);
/// The OCI name of a Docker type; other types as they are.
std::string_view to_oci(std::string_view type);

}  // namespace imagebuild::oci::media_type
