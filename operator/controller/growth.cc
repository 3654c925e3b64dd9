#include "operator/controller/growth.h"

#include <algorithm>

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

/// The share of two texts that is the same at their beginning and end, 0 to 1.
double similarity(std::string_view a, std::string_view b) {
  const std::size_t longer = std::max(a.size(), b.size()), shorter = std::min(a.size(), b.size());
  if (longer == 0) return 1;
  std::size_t front = 0, back = 0;
  while (front < shorter && a[front] == b[front]) ++front;
  while (back < shorter - front && a[a.size() - 1 - back] == b[b.size() - 1 - back]) ++back;
  return static_cast<double>(front + back) / static_cast<double>(longer);
}

/// How likely two layers are the same step of two builds; 0: they are not. The size only decides
/// between steps that look the same.
double likeness(const api::ImageLayer& now, const api::ImageLayer& before) {
  constexpr double kSameDigest = 1000, kSameText = 500, kSimilarText = 100, kSamePlace = 30;
  if (now.origin != before.origin) return 0;
  if (now.digest == before.digest) return kSameDigest;
  const double larger = static_cast<double>(std::max(now.size_bytes, before.size_bytes));
  const double smaller = static_cast<double>(std::min(now.size_bytes, before.size_bytes));
  const double size = larger == 0 ? 1 : smaller / larger;
  if (now.created_by == before.created_by) return kSameText + size;
  const double similar = similarity(now.created_by, before.created_by);
  if (similar >= 0.6) return kSimilarText * similar + size;
  const bool same_place = now.origin == "base" || (now.line > 0 && now.line == before.line);
  return same_place ? kSamePlace + size : 0;
}

/// Gives each layer that has a predecessor its delta. Steps keep their order from build to build,
/// so this is the alignment of the two lists with the greatest likeness in all.
void align(std::vector<api::ImageLayer>& now, const std::vector<api::ImageLayer>& before) {
  // best[i][j]: of the layers from i and from j on.
  std::vector<std::vector<double>> best(now.size() + 1, std::vector<double>(before.size() + 1, 0));
  auto paired = [&](std::size_t i, std::size_t j) {
    const double like = likeness(now[i], before[j]);
    return like > 0 ? like + best[i + 1][j + 1] : 0;
  };
  for (std::size_t i = now.size(); i-- > 0;)
    for (std::size_t j = before.size(); j-- > 0;)
      best[i][j] = std::max({best[i + 1][j], best[i][j + 1], paired(i, j)});
  for (std::size_t i = 0, j = 0; i < now.size() && j < before.size();) {
    if (best[i][j] == paired(i, j) && best[i][j] > 0) {
      now[i].delta_bytes = static_cast<std::int64_t>(now[i].size_bytes) -
                           static_cast<std::int64_t>(before[j].size_bytes);
      ++i, ++j;
    } else if (best[i][j] == best[i + 1][j]) {
      ++i;
    } else {
      ++j;
    }
  }
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
  if (before != nullptr) align(platform.layers, before->layers);
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
