#include "operator/controller/accept.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "common/base/clock.h"
#include "operator/controller/identity.h"

namespace imagebuild::controller {
namespace {

constexpr std::size_t kMaxHistory = 10;
constexpr std::size_t kBaselineSamples = 5;
constexpr std::size_t kMaxStatusLayers = 127;

std::string short_digest(std::string_view digest) {
  std::size_t colon = digest.find(':');
  if (colon != std::string_view::npos) digest.remove_prefix(colon + 1);
  return std::string(digest.substr(0, 12));
}

api::ImagePlatform platform_of(const contract::PlatformReport& report) {
  api::ImagePlatform platform{.platform = report.platform, .digest = report.digest};
  platform.size_bytes = report.size_bytes;
  platform.own_size_bytes = report.own_size_bytes;
  platform.uncompressed_bytes = report.uncompressed_bytes;
  platform.largest_layer_bytes = report.largest_layer_bytes;
  platform.layer_count = report.layer_count;
  for (const contract::LayerReport& layer : report.layers) {
    if (platform.layers.size() == kMaxStatusLayers) break;
    const char* origin = layer.origin == contract::LayerOrigin::Base ? "base" : "own";
    platform.layers.push_back(
        {short_digest(layer.digest), layer.size_bytes, origin, layer.line, layer.created_by});
  }
  return platform;
}

/// Median of the sizes of the last accepted builds, this one included.
api::Baseline baseline_with(const std::vector<api::HistoryEntry>& history, std::uint64_t size) {
  std::vector<std::uint64_t> sizes = {size};
  for (const api::HistoryEntry& entry : history)
    if (entry.result == "Success" && entry.size_bytes > 0 && sizes.size() < kBaselineSamples)
      sizes.push_back(entry.size_bytes);
  std::sort(sizes.begin(), sizes.end());
  std::size_t middle = sizes.size() / 2;
  std::uint64_t median = sizes.size() % 2 == 1
                             ? sizes[middle]
                             : sizes[middle - 1] + (sizes[middle] - sizes[middle - 1]) / 2;
  return {median, static_cast<int>(sizes.size())};
}

double seconds_between(const std::string& from, const std::string& to) {
  auto begin = parse_rfc3339(from), end = parse_rfc3339(to);
  if (!begin || !end || *end < *begin) return 0;
  return static_cast<double>((*end - *begin).count()) / 1000;
}

}  // namespace

std::string percent_delta(std::uint64_t before, std::uint64_t after) {
  if (before == 0) return "";
  double percent = (static_cast<double>(after) - static_cast<double>(before)) /
                   static_cast<double>(before) * 100;
  percent = std::round(percent * 10) / 10;
  char text[32];
  std::snprintf(text, sizeof text, "%s%.1f%%",
                percent > 0   ? "+"
                : percent < 0 ? "-"
                              : "±",
                std::fabs(percent));
  return text;
}

void record_history(api::Status& status, const std::string& digest, std::uint64_t size_bytes) {
  const api::Build& build = *status.build;
  status.history.insert(status.history.begin(),
                        {build.number, build.hash, build.trigger, build.result, digest, size_bytes,
                         seconds_between(build.started_at, build.finished_at)});
  if (status.history.size() > kMaxHistory) status.history.resize(kMaxHistory);
}

void accept_image(api::Status& status, const api::Spec& spec, const std::string& key,
                  const contract::BuildReport& report, const std::string& now) {
  const api::Build& build = *status.build;
  api::Image image;
  image.digest = report.digest.empty() && !report.platforms.empty() ? report.platforms[0].digest
                                                                    : report.digest;
  image.ref = api::image_repository(spec) + "@" + image.digest;
  image.tags = tags_to_push(spec, build.source, build.hash);
  image.revision = report.inputs.revision.empty() ? build.revision : report.inputs.revision;
  image.created_at = build.finished_at.empty() ? now : build.finished_at;
  for (const contract::PlatformReport& platform : report.platforms) {
    image.platforms.push_back(platform_of(platform));
    if (platform.size_bytes < image.size_bytes) continue;
    image.size_bytes = platform.size_bytes;
    image.own_size_bytes = platform.own_size_bytes;
    image.uncompressed_bytes = platform.uncompressed_bytes;
    image.layer_count = platform.layer_count;
  }
  if (status.image && status.image->size_bytes > 0) {
    image.delta_bytes = static_cast<std::int64_t>(image.size_bytes) -
                        static_cast<std::int64_t>(status.image->size_bytes);
    image.delta = percent_delta(status.image->size_bytes, image.size_bytes);
  }
  status.baseline = baseline_with(status.history, image.size_bytes);
  status.inputs = api::Inputs{.key = key,
                              .spec = spec_hash(spec),
                              .source = build.source,
                              .revision = image.revision,
                              .tree = report.inputs.tree,
                              .bases = {}};
  for (const contract::Base& base : report.inputs.bases)
    status.inputs->bases.push_back({base.ref, base.platform, base.digest});
  status.image = std::move(image);
}

}  // namespace imagebuild::controller
