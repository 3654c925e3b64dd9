// Files that a build writes at its end, tried before it starts:
// an hour's build must not end in "permission denied".
#pragma once

#include <string>

#include "builder/executor/options.h"
#include "common/base/result.h"

namespace imagebuild {

/// Makes the directory of an OCI layout and checks that `report` (empty: none) can be written. The
/// error names the flag.
Result<void> check_destinations(const executor::Output& output, const std::string& report);

}  // namespace imagebuild
