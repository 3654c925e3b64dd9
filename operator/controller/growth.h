// How an image changed against the one before it, layer by layer,
// and which change counts most. Pure.
#pragma once

#include <optional>
#include <string>

#include "common/api/image.h"
#include "common/contract/build_report.h"

namespace imagebuild::controller {

/// The status' view of a reported platform, with the deltas of its layers against `before` (the
/// same platform of the image before, or nullptr). Both lists are aligned in their order: layers of
/// the same digest, else of the same or a similar instruction, else of the same line or place.
api::ImagePlatform platform_with_deltas(const contract::PlatformReport& report,
                                        const api::ImagePlatform* before);

/// nullptr when the image has none of that name.
const api::ImagePlatform* find_platform(const api::Image& image, const std::string& name);

/// The platform whose size counts; nullptr when there is none.
const api::ImagePlatform* largest_platform(const api::Image& image);

struct LayerChange {
  std::size_t index = 0;  ///< in the platform's layers
  std::int64_t bytes = 0;
};
/// The layer that grew most, a new layer by all it has. None: nothing grew, or nothing is known of
/// the layers before.
std::optional<LayerChange> largest_growth(const api::ImagePlatform& platform);

/// "largest change: layer 7 RUN pip install … (Dockerfile:14) +39.9 MiB"; "" when nothing grew by
/// one percent of the image.
std::string tell_largest_growth(const api::ImagePlatform& platform, const std::string& dockerfile);

}  // namespace imagebuild::controller
