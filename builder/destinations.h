// Files that a build writes at its end, tried before it starts:
// an hour's build must not end in "permission denied".
#pragma once

#include <string>
#include <string_view>

#include "builder/executor/options.h"
#include "common/base/result.h"

namespace imagebuild {

/// Writes the report: a regular file at once or not at all; what is no regular file (a device, a
/// pipe, a symbolic link) is written through and stays what it is.
Result<void> write_report(const std::string& path, std::string_view text);

/// Makes the directory of an OCI layout and checks that `report` (empty: none) can be written. The
/// error names the flag.
Result<void> check_destinations(const executor::Output& output, const std::string& report);

}  // namespace imagebuild
