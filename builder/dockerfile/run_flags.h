// RUN's flags that have a language of their own: --mount and --device.
// Pure; internal to this module.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "builder/dockerfile/instruction.h"
#include "common/base/result.h"

namespace imagebuild::dockerfile {

/// Expands one value of a mount.
using ValueExpander = std::function<Result<std::string>(std::string_view value)>;

/// `type=cache,target=/root/.cache,…`. Without an expander (while parsing) values with a `$` are
/// left out and judged later; unknown keys, and variables in `from`, are errors at once.
Result<Mount> parse_mount(const std::string& text, const ValueExpander& expander);

/// `vendor.com/class=device,required`.
Result<Device> parse_device(const std::string& text);

}  // namespace imagebuild::dockerfile
