// What a finished build tells a person: digest, sizes, layers, or the failure. Pure.
#pragma once

#include <string>

#include "common/contract/build_report.h"

namespace imagebuild {

/// Several lines, ending with a newline.
std::string render_summary(const contract::BuildReport& report);

/// The builder's exit status: 0 done, 1 the build failed, 3 configuration, 4 transient.
int exit_status(const contract::BuildReport& report);

}  // namespace imagebuild
