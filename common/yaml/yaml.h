// YAML to JSON values: the one place that knows yaml-cpp.
//
// Plain scalars follow the YAML 1.2 core schema (null, true/false, integers, floats);
// quoted scalars are strings, whatever they look like. What JSON cannot say (.inf, .nan,
// keys that are not scalars, two equal keys) is an error, and so is a document whose
// aliases unfold beyond any sensible size.
#pragma once

#include <string_view>
#include <vector>

#include "common/base/json.h"
#include "common/base/result.h"

namespace imagebuild {

/// The one document of `text`; null for an empty text. InvalidInput with the line,
/// also for a second document.
Result<Json> parse_yaml(std::string_view text);
/// Every document of a `---` separated text; empty ones are left out.
Result<std::vector<Json>> parse_yaml_documents(std::string_view text);

}  // namespace imagebuild
