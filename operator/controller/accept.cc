#include "operator/controller/accept.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "common/base/clock.h"
#include "operator/controller/growth.h"
#include "operator/controller/identity.h"

namespace imagebuild::controller {
namespace {

constexpr std::size_t kMaxHistory = 10;
constexpr std::size_t kBaselineSamples = 5;
constexpr std::size_t kMaxAdvice = 10;
/// The lower of the two middle ones: a second build cannot move the baseline on its own.
std::uint64_t lower_median(std::vector<std::uint64_t> sizes) {
  std::sort(sizes.begin(), sizes.end());
  return sizes[(sizes.size() - 1) / 2];
}

/// Medians over the last accepted builds, this one included.
api::Baseline baseline_with(const std::vector<api::HistoryEntry>& history,
                            const api::Image& image) {
  std::vector<std::uint64_t> sizes, own, base;
  auto add = [&](std::uint64_t size, std::uint64_t own_size) {
    sizes.push_back(size);
    own.push_back(own_size);
    base.push_back(size - std::min(size, own_size));
  };
  add(image.size_bytes, image.own_size_bytes);
  for (const api::HistoryEntry& entry : history)
    if (entry.result == "Success" && entry.size_bytes > 0 && sizes.size() < kBaselineSamples)
      add(entry.size_bytes, entry.own_size_bytes);
  return {.size_bytes = lower_median(sizes),
          .own_size_bytes = lower_median(own),
          .base_size_bytes = lower_median(base),
          .samples = static_cast<int>(sizes.size())};
}

const api::ImagePlatform* find_platform(const std::optional<api::Image>& image,
                                        const std::string& name) {
  if (!image) return nullptr;
  for (const api::ImagePlatform& platform : image->platforms)
    if (platform.platform == name) return &platform;
  return nullptr;
}

void copy_advice(const contract::PlatformReport& platform, api::Image& image) {
  image.advice.clear();
  for (const contract::Advice& advice : platform.advice)
    if (image.advice.size() < kMaxAdvice)
      image.advice.push_back({advice.line, advice.saves_bytes, advice.message});
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

std::string tell_over_budget(const api::Failure& failure, const api::Status& status,
                             const contract::BuildReport& report, const std::string& dockerfile) {
  std::string message = failure.message;
  const contract::PlatformReport* largest = nullptr;
  for (const contract::PlatformReport& platform : report.platforms)
    if (largest == nullptr || platform.size_bytes > largest->size_bytes) largest = &platform;
  if (largest == nullptr || !status.image) return message;
  const auto platform =
      platform_with_deltas(*largest, find_platform(status.image, largest->platform));
  const std::string change = tell_largest_growth(platform, dockerfile);
  return change.empty() ? message : message + "; " + change;
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
    image.platforms.push_back(
        platform_with_deltas(platform, find_platform(status.image, platform.platform)));
    if (platform.size_bytes < image.size_bytes) continue;
    image.size_bytes = platform.size_bytes;
    image.own_size_bytes = platform.own_size_bytes;
    image.uncompressed_bytes = platform.uncompressed_bytes;
    image.layer_count = platform.layer_count;
    image.wasted_bytes = image.platforms.back().wasted_bytes;
    copy_advice(platform, image);
  }
  if (status.image && status.image->size_bytes > 0) {
    image.delta_bytes = static_cast<std::int64_t>(image.size_bytes) -
                        static_cast<std::int64_t>(status.image->size_bytes);
    image.delta = percent_delta(status.image->size_bytes, image.size_bytes);
  }
  status.baseline = baseline_with(status.history, image);
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
