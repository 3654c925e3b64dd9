#include "operator/controller/growth.h"

#include <algorithm>

#include "common/api/step_alignment.h"
#include "common/base/byte_size.h"

namespace imagebuild::controller {
namespace {

constexpr std::size_t kMaxStatusLayers = 127;
constexpr std::size_t kMaxPaths = 10;
constexpr std::size_t kToldInstruction = 48;

std::string short_digest(std::string_view digest) {
  std::size_t colon = digest.find(':');
  if (colon != std::string_view::npos) digest.remove_prefix(colon + 1);
  return std::string(digest.substr(0, 12));
}

api::ImageLayer layer_of(const contract::LayerReport& layer) {
  const bool base = layer.origin == contract::LayerOrigin::Base;
  return {.digest = short_digest(layer.digest),
          .size_bytes = layer.size_bytes,
          .origin = base ? "base" : "own",
          .line = layer.line,
          .created_by = layer.created_by,
          .uncompressed_bytes = layer.uncompressed_bytes,
          .wasted_bytes = layer.wasted_bytes,
          .delta_bytes = std::nullopt};
}

std::vector<api::StepLayer> steps_of(const std::vector<api::ImageLayer>& layers) {
  std::vector<api::StepLayer> steps;
  for (const api::ImageLayer& layer : layers)
    steps.push_back({.digest = layer.digest,
                     .created_by = layer.created_by,
                     .size_bytes = layer.size_bytes,
                     .origin = layer.origin,
                     .place = layer.line});
  return steps;
}

void fill_deltas(std::vector<api::ImageLayer>& now, const std::vector<api::ImageLayer>& before) {
  const auto pairs = api::align_steps(steps_of(now), steps_of(before));
  for (std::size_t i = 0; i < now.size(); ++i)
    if (pairs[i])
      now[i].delta_bytes = static_cast<std::int64_t>(now[i].size_bytes) -
                           static_cast<std::int64_t>(before[*pairs[i]].size_bytes);
}

}  // namespace

api::ImagePlatform platform_with_deltas(const contract::PlatformReport& report,
                                        const api::ImagePlatform* before) {
  api::ImagePlatform platform{.platform = report.platform, .digest = report.digest};
  platform.size_bytes = report.size_bytes;
  platform.own_size_bytes = report.own_size_bytes;
  platform.uncompressed_bytes = report.uncompressed_bytes;
  platform.largest_layer_bytes = report.largest_layer_bytes;
  platform.layer_count = report.layer_count;
  if (report.waste_is_known) platform.wasted_bytes = report.wasted_bytes;
  for (const contract::LayerReport& layer : report.layers)
    if (platform.layers.size() < kMaxStatusLayers) platform.layers.push_back(layer_of(layer));
  platform.largest_paths = report.largest_paths;
  if (platform.largest_paths.size() > kMaxPaths) platform.largest_paths.resize(kMaxPaths);
  if (before != nullptr) fill_deltas(platform.layers, before->layers);
  return platform;
}

const api::ImagePlatform* find_platform(const api::Image& image, const std::string& name) {
  for (const api::ImagePlatform& platform : image.platforms)
    if (platform.platform == name) return &platform;
  return nullptr;
}

const api::ImagePlatform* largest_platform(const api::Image& image) {
  auto smaller = [](const auto& a, const auto& b) { return a.size_bytes < b.size_bytes; };
  auto found = std::max_element(image.platforms.begin(), image.platforms.end(), smaller);
  return found == image.platforms.end() ? nullptr : &*found;
}

std::optional<LayerChange> largest_growth(const api::ImagePlatform& platform) {
  const bool known = std::any_of(platform.layers.begin(), platform.layers.end(),
                                 [](const auto& layer) { return layer.delta_bytes.has_value(); });
  if (!known) return std::nullopt;
  std::optional<LayerChange> largest;
  for (std::size_t i = 0; i < platform.layers.size(); ++i) {
    const api::ImageLayer& layer = platform.layers[i];
    const std::int64_t bytes =
        layer.delta_bytes.value_or(static_cast<std::int64_t>(layer.size_bytes));
    if (bytes > 0 && (!largest || bytes > largest->bytes)) largest = LayerChange{i, bytes};
  }
  return largest;
}

std::string tell_largest_growth(const api::ImagePlatform& platform, const std::string& dockerfile) {
  const auto change = largest_growth(platform);
  if (!change) return "";
  // A change this small explains nothing.
  if (change->bytes < static_cast<std::int64_t>(platform.size_bytes / 100)) return "";
  const api::ImageLayer& layer = platform.layers[change->index];
  std::string text = "largest change: layer " + std::to_string(change->index + 1);
  if (layer.origin == "base") text += " of the base";
  if (!layer.created_by.empty())
    text += " " + api::clip_back(layer.created_by.substr(0, layer.created_by.find('\n')),
                                 kToldInstruction);
  if (layer.line > 0) text += " (" + dockerfile + ":" + std::to_string(layer.line) + ")";
  return text + " " + format_delta(change->bytes);
}

}  // namespace imagebuild::controller
