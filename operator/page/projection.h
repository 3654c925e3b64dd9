// What the page tells of an ImageBuild, as JSON: two projections of status, and of spec only the
// image, the budget, suspend and the kind of the source. What is not named here is not disclosed:
// no Secret's name, no URL of a source, no build argument that is not part of an instruction.
#pragma once

#include <optional>

#include "common/api/status.h"
#include "common/base/json.h"

namespace imagebuild::page {

/// One row of the list.
Json summarize(const api::ImageBuild& object);

/// Everything about one of them.
Json describe(const api::ImageBuild& object);

/// The same from the parts: `spec` and `status` as they stand in the object.
Json describe_status(const Json& spec, const Json& status);

/// The lines a size may be measured by, from spec.budget ("300Mi", "20%") and the baseline: {size,
/// own, growth: the limits in bytes, layers, enforcement}; null without a budget. A part that
/// cannot be read is left out: the condition WithinBudget or Ready says so.
Json limits_of(const Json& budget, std::optional<std::uint64_t> baseline_bytes);

}  // namespace imagebuild::page
