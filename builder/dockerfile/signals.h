// The names of signals, for STOPSIGNAL. Pure; internal to this module.
#pragma once

#include <string_view>

#include "common/base/result.h"

namespace imagebuild::dockerfile {

/// A number that is not 0, or a name of Linux with or without SIG, in any case ("SIGTERM", "term",
/// "RTMIN+3"). InvalidInput otherwise.
Result<void> check_signal(std::string_view text);

}  // namespace imagebuild::dockerfile
