#include "operator/object_sample.h"

#include <algorithm>

#include "operator/controller/growth.h"

namespace imagebuild {
namespace {

constexpr std::size_t kLargestLayers = 10;

using telemetry::PlatformSample;

std::vector<PlatformSample::Layer> largest_layers(const api::ImagePlatform& platform) {
  std::vector<PlatformSample::Layer> layers;
  for (const api::ImageLayer& layer : platform.layers)
    layers.push_back({layers.size(), layer.origin == "own", layer.size_bytes});
  std::stable_sort(layers.begin(), layers.end(),
                   [](const auto& a, const auto& b) { return a.size_bytes > b.size_bytes; });
  if (layers.size() > kLargestLayers) layers.resize(kLargestLayers);
  return layers;
}

PlatformSample sample_of_platform(const api::ImagePlatform& platform, bool layers) {
  PlatformSample sample{
      .platform = platform.platform,
      .size_bytes = platform.size_bytes,
      .uncompressed_bytes = platform.uncompressed_bytes,
      .base_bytes = platform.size_bytes - std::min(platform.size_bytes, platform.own_size_bytes),
      .own_bytes = platform.own_size_bytes,
      .largest_layer_bytes = platform.largest_layer_bytes,
      .layers = platform.layer_count,
      .wasted_bytes = platform.wasted_bytes,
      .largest_layers = {}};
  if (layers) sample.largest_layers = largest_layers(platform);
  if (const auto change = controller::largest_growth(platform)) {
    sample.growth_bytes = static_cast<std::uint64_t>(change->bytes);
    sample.growth_line = platform.layers[change->index].line;
  }
  return sample;
}

}  // namespace

telemetry::ObjectSample sample_of(const api::ImageBuild& object, bool layers) {
  telemetry::ObjectSample sample{.name_space = object.name_space, .name = object.name};
  if (object.spec.ok()) {
    sample.image = api::image_repository(*object.spec);
    sample.suspended = object.spec->suspend;
    sample.budget_bytes = object.spec->budget.size_bytes;
  }
  const api::Status& status = object.status;
  auto is_true = [&](const char* type) {
    const api::Condition* condition = status.find_condition(type);
    return condition != nullptr && condition->status == "True";
  };
  sample.ready = is_true("Ready") && status.observed_generation == object.generation;
  const api::Condition* up_to_date = status.find_condition("UpToDate");
  if (up_to_date != nullptr && up_to_date->status != "Unknown")
    sample.up_to_date = up_to_date->status == "True";
  if (const auto& baseline = status.baseline)
    sample.baseline = {baseline->size_bytes, baseline->own_size_bytes, baseline->base_size_bytes};
  if (!status.image) return sample;
  for (const api::ImagePlatform& platform : status.image->platforms)
    sample.platforms.push_back(sample_of_platform(platform, layers));
  if (auto created = parse_rfc3339(status.image->created_at))
    sample.last_success = static_cast<double>(created->time_since_epoch().count()) / 1000;
  return sample;
}

}  // namespace imagebuild
