// What the page tells of an ImageBuild, as JSON: two projections of status, and of spec only the
// image, the budget, suspend and the kind of the source. What is not named here is not disclosed:
// no Secret's name, no URL of a source, no build argument that is not part of an instruction.
#pragma once

#include <cstdint>

#include "common/api/status.h"
#include "common/base/json.h"

namespace imagebuild::page {

/// One row of the list.
Json summarize(const api::ImageBuild& object);

/// Everything about one of them.
Json describe(const api::ImageBuild& object);

/// The lines a size may be measured by: {size, own, growth: in bytes, growthPercent, layers,
/// block}; null when there is no limit. Without a baseline (0) nothing can have grown.
Json limits_of(const api::Budget& budget, std::uint64_t baseline_bytes);

}  // namespace imagebuild::page
