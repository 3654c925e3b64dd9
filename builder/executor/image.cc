#include "builder/executor/image.h"

#include <algorithm>

#include "common/base/clock.h"

namespace imagebuild::executor {
namespace {

struct LayerFacts {
  oci::Descriptor descriptor;
  oci::DiffId diff_id;
  contract::LayerReport report;
};

std::string_view media_type_of(Compression compression) {
  switch (compression) {
    case Compression::None:
      return oci::media_type::kLayer;
    case Compression::Gzip:
      return oci::media_type::kLayerGzip;
    case Compression::Zstd:
      return oci::media_type::kLayerZstd;
  }
  return oci::media_type::kLayer;
}

LayerFacts facts_of(const ImageLayer& layer, const FinishedLayer& finished,
                    Compression compression) {
  const LayerBlob& blob = finished.blob;
  LayerFacts facts{.descriptor = {.digest = blob.digest, .size = blob.size},
                   .diff_id = blob.diff_id};
  facts.report = {.digest = blob.digest.to_string(),
                  .size_bytes = blob.size,
                  .uncompressed_bytes = blob.uncompressed,
                  .origin = contract::LayerOrigin::Own,
                  .line = layer.line,
                  .created_by = layer.created_by};
  if (layer.base != nullptr) {
    facts.descriptor.media_type =
        oci::media_type::to_oci(layer.base->resolved.manifest.layers[layer.base_index].media_type);
    facts.report.origin = contract::LayerOrigin::Base;
    if (layer.base_index < layer.base->uncompressed.size())
      facts.report.uncompressed_bytes = layer.base->uncompressed[layer.base_index];
  } else {
    facts.descriptor.media_type = media_type_of(compression);
  }
  return facts;
}

oci::Descriptor describe(std::string_view media_type, std::string_view bytes) {
  return {.media_type = std::string(media_type),
          .digest = oci::Digest::of(bytes),
          .size = bytes.size()};
}

}  // namespace

Result<Image> make_image(StageState state, const BuildOptions& options) {
  Image image;
  oci::Manifest manifest;
  state.config.diff_ids.clear();
  for (const auto& layer : state.layers) {
    const auto& finished = layer.finished.get();
    if (!finished) return finished.error();
    if (finished->empty) {
      state.config.history[layer.history].empty_layer = true;
      continue;
    }
    auto facts = facts_of(layer, *finished, options.compression.compression);
    manifest.layers.push_back(facts.descriptor);
    state.config.diff_ids.push_back(facts.diff_id);
    image.report.layers.push_back(facts.report);
    image.layers.push_back(layer);
  }
  state.config.created = format_rfc3339(TimePoint(std::chrono::seconds(options.created)));
  for (const auto& [name, value] : options.labels) state.config.config.labels[name] = value;
  image.config = state.config.serialise();
  image.config_descriptor = describe(oci::media_type::kConfig, image.config);
  manifest.config = image.config_descriptor;
  manifest.annotations = options.annotations;
  image.manifest = manifest.serialise();
  image.manifest_descriptor = describe(manifest.media_type, image.manifest);
  image.manifest_descriptor.platform = state.config.platform();
  image.digest = image.manifest_descriptor.digest;
  image.report.platform = state.config.platform().to_string();
  image.report.digest = image.digest.to_string();
  image.report.sum_layers();
  return image;
}

}  // namespace imagebuild::executor
