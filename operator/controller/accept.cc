#include "operator/controller/accept.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "common/base/clock.h"
#include "operator/controller/growth.h"
#include "operator/controller/identity.h"

namespace imagebuild::controller {
namespace {

constexpr std::size_t kMaxHistory = 10;
constexpr std::size_t kBaselineSamples = 5;
constexpr std::size_t kMaxAdvice = 10;
/// The median of sizes that are given newest first. Of the two in the middle it is the older: a new
/// build alone cannot move the baseline, neither up nor down.
std::uint64_t older_median(const std::vector<std::uint64_t>& sizes) {
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return sizes[a] < sizes[b]; });
  const std::size_t middle = sizes.size() / 2;
  if (sizes.size() % 2 == 1) return sizes[order[middle]];
  return sizes[std::max(order[middle - 1], order[middle])];
}

/// Medians over the last accepted builds, this one included.
api::Baseline baseline_with(const std::optional<api::Baseline>& before, const api::Image& image) {
  api::Baseline baseline;
  baseline.recent = {{image.size_bytes, image.own_size_bytes}};
  if (before)
    for (const api::BaselineSample& sample : before->recent)
      if (baseline.recent.size() < kBaselineSamples) baseline.recent.push_back(sample);
  std::vector<std::uint64_t> sizes, own, base;
  for (const api::BaselineSample& sample : baseline.recent) {
    sizes.push_back(sample.size_bytes);
    own.push_back(sample.own_size_bytes);
    base.push_back(sample.size_bytes - std::min(sample.size_bytes, sample.own_size_bytes));
  }
  baseline.size_bytes = older_median(sizes);
  baseline.own_size_bytes = older_median(own);
  baseline.base_size_bytes = older_median(base);
  baseline.samples = static_cast<int>(baseline.recent.size());
  return baseline;
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

void record_history(api::Status& status, const std::string& digest, std::uint64_t size_bytes,
                    std::uint64_t own_size_bytes) {
  const api::Build& build = *status.build;
  status.history.insert(status.history.begin(),
                        {.number = build.number,
                         .hash = build.hash,
                         .trigger = build.trigger,
                         .result = build.result,
                         .digest = digest,
                         .size_bytes = size_bytes,
                         .own_size_bytes = own_size_bytes,
                         .seconds = seconds_between(build.started_at, build.finished_at),
                         .finished_at = build.finished_at});
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
    image.platforms.push_back(platform_with_deltas(
        platform, status.image ? find_platform(*status.image, platform.platform) : nullptr));
  }
  if (const contract::PlatformReport* largest = report.largest_platform()) {
    image.size_bytes = largest->size_bytes;
    image.own_size_bytes = largest->own_size_bytes;
    image.uncompressed_bytes = largest->uncompressed_bytes;
    image.layer_count = largest->layer_count;
    if (largest->waste_is_known) image.wasted_bytes = largest->wasted_bytes;
    image.advice = largest->advice;
    if (image.advice.size() > kMaxAdvice) image.advice.resize(kMaxAdvice);
  }
  if (status.image && status.image->size_bytes > 0) {
    image.delta_bytes = static_cast<std::int64_t>(image.size_bytes) -
                        static_cast<std::int64_t>(status.image->size_bytes);
    image.delta = percent_delta(status.image->size_bytes, image.size_bytes);
  }
  if (status.baseline) image.baseline_size_bytes = status.baseline->size_bytes;
  status.baseline = baseline_with(status.baseline, image);
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
