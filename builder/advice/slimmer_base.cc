#include "builder/advice/slimmer_base.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "common/base/byte_size.h"

namespace imagebuild::advice {
namespace {

constexpr std::uint64_t kWorthSaying = 1u << 20;

std::vector<std::string_view> split(std::string_view tag) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0;;) {
    const std::size_t dash = tag.find('-', from);
    parts.push_back(tag.substr(from, dash - from));
    if (dash == std::string_view::npos) return parts;
    from = dash + 1;
  }
}

bool has_part(const std::vector<std::string_view>& parts, std::string_view prefix) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return part.starts_with(prefix); });
}

std::optional<SlimmerBase> measure(registry::Client& client, const oci::Reference& reference,
                                   const oci::Platform& platform) {
  auto image = client.resolve(reference, platform);
  if (!image) return std::nullopt;  // not for this platform, or not for us
  return SlimmerBase{reference, compressed_size(image->manifest)};
}

}  // namespace

SlimmerTags slimmer_tags(std::string_view tag) {
  const auto parts = split(tag);
  constexpr std::array kSlimOfTheirOwn{"alpine", "distroless", "static", "busybox", "minimal",
                                       "micro",  "scratch",    "nano",   "musl"};
  for (const char* name : kSlimOfTheirOwn)
    if (has_part(parts, name)) return {};
  if (tag == "latest") return {.slim = {"slim"}, .alpine = {"alpine"}};
  const std::string whole(tag), first(parts.front());
  const bool several = parts.size() > 1;
  if (has_part(parts, "slim"))
    return {.slim = {}, .alpine = {first == "slim" ? "alpine" : first + "-alpine"}};
  SlimmerTags tags{.slim = {whole + "-slim"}, .alpine = {whole + "-alpine"}};
  if (several) {
    const std::string rest = whole.substr(first.size());
    tags.slim.push_back(first + "-slim" + rest);  // 3.12-slim-bookworm
    tags.slim.push_back(first + "-slim");
    tags.alpine.push_back(first + "-alpine");
  }
  return tags;
}

Result<std::vector<SlimmerBase>> find_slimmer_bases(registry::Client& client,
                                                    const oci::Reference& base,
                                                    const oci::Platform& platform) {
  std::vector<SlimmerBase> found;
  if (base.tag.empty() && base.digest) return found;
  const auto tags = slimmer_tags(base.tag_or_latest());
  // Behind a mirror that lacks a tag the registry itself may be out of reach: ask for the next.
  std::optional<Error> unasked;
  for (const auto* kind : {&tags.slim, &tags.alpine}) {
    for (const std::string& tag : *kind) {
      if (!oci::is_valid_tag(tag)) continue;
      const auto reference = base.with_tag(tag);
      const auto there = client.head(reference);
      if (!there) unasked = there.error();
      if (!there || !*there) continue;
      if (auto image = measure(client, reference, platform)) {
        found.push_back(*std::move(image));
        break;
      }
    }
  }
  if (found.empty() && unasked) return *unasked;
  return found;
}

std::uint64_t compressed_size(const oci::Manifest& manifest) {
  std::uint64_t sum = 0;
  for (const auto& layer : manifest.layers) sum += layer.size;
  return sum;
}

std::vector<api::ImageAdvice> advise(const oci::Reference& base, std::uint64_t base_bytes, int line,
                                     const std::vector<SlimmerBase>& slimmer) {
  std::vector<api::ImageAdvice> list;
  for (const SlimmerBase& other : slimmer) {
    if (other.size_bytes + kWorthSaying > base_bytes) continue;
    const std::uint64_t saved = base_bytes - other.size_bytes;
    std::string message = "FROM " + other.reference.familiar() + " has " +
                          format_bytes(other.size_bytes) + " compressed, " + base.familiar() + " " +
                          format_bytes(base_bytes) + ": " + format_bytes(saved) +
                          " less, if what it leaves out is not needed";
    if (has_part(split(other.reference.tag), "alpine"))
      message += " and the programs run with musl instead of glibc";
    list.push_back({line, saved, std::move(message)});
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.saves_bytes > b.saves_bytes; });
  return list;
}

}  // namespace imagebuild::advice
