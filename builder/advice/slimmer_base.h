// A slimmer base of the same name: the variants of a base image that its repository has by the
// field's conventions (node:22 → node:22-slim, node:22-alpine), and what each would save, measured
// at the registry.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/image.h"
#include "common/base/result.h"
#include "common/oci/manifest.h"
#include "common/oci/platform.h"
#include "common/oci/reference.h"
#include "common/registry/client.h"

namespace imagebuild::advice {

/// Below this many bytes a base is not asked about: the slim ones are smaller, and every question
/// may count as a pull.
inline constexpr std::uint64_t kWorthAsking = 32u << 20;

/// Tags that hold less by convention, of the same distribution first. None for a tag that is slim
/// of its own, except the Alpine variant of one that says slim.
struct SlimmerTags {
  std::vector<std::string> slim, alpine;
};
SlimmerTags slimmer_tags(std::string_view tag);

struct SlimmerBase {
  oci::Reference reference;
  std::uint64_t size_bytes = 0;  ///< compressed layers
};

/// The first slim and the first Alpine variant that the repository has for the platform, at most
/// one of each. Tags are tried by HEAD, which no registry counts as a pull. None for a reference
/// without tag but with a digest. An error is the
/// registry's, where nothing was found.
Result<std::vector<SlimmerBase>> find_slimmer_bases(registry::Client& client,
                                                    const oci::Reference& base,
                                                    const oci::Platform& platform);

/// The sum of the layers.
std::uint64_t compressed_size(const oci::Manifest& manifest);

/// One piece of advice for each that is smaller by 1 MiB or more, the largest saving first; `line`
/// is that of the FROM.
std::vector<api::ImageAdvice> advise(const oci::Reference& base, std::uint64_t base_bytes, int line,
                                     const std::vector<SlimmerBase>& slimmer);

}  // namespace imagebuild::advice
