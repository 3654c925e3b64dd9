// Images as they lie in a registry: which layers, made by which instruction, and the entries of a
// layer as a stream.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/archive/tar.h"
#include "common/oci/manifest.h"
#include "common/registry/client.h"

namespace imagebuild::plugin {

struct LayerInfo {
  oci::Descriptor blob;
  std::string created_by;  ///< "" where the image's history does not say
};

struct ImageInfo {
  oci::Reference reference;  ///< repository@digest of the platform's manifest
  std::string platform;
  std::uint64_t size_bytes = 0;   ///< of all layers, compressed
  std::vector<LayerInfo> layers;  ///< bottom first
};

/// `platform` "": this machine's, if the image is an index.
Result<ImageInfo> load_image(registry::Client& client, const oci::Reference& reference,
                             const std::string& platform);

/// Streams the layer (gzip, zstd or plain) in bounded memory and calls `take` for every entry;
/// `got` is told of the compressed bytes as they come.
Result<void> read_layer(registry::Client& client, const oci::Reference& repository,
                        const oci::Descriptor& blob,
                        const std::function<void(const TarEntry&)>& take,
                        const std::function<void(std::size_t)>& got);

}  // namespace imagebuild::plugin
