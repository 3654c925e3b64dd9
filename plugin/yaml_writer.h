// JSON values as block YAML, for `-o yaml`. What is written reads back as the same value. Pure.
#pragma once

#include <string>

#include "common/base/json.h"

namespace imagebuild::plugin {

/// Ends with a newline.
std::string to_yaml(const Json& value);

}  // namespace imagebuild::plugin
