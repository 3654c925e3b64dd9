// Tries in a tree worker what a build will need, for isolation.h.
#pragma once

#include "common/base/json.h"
#include "common/base/result.h"

namespace imagebuild::sandbox {

/// {"proc": "fresh"|"bound"}. The error's message begins with the step that failed.
Result<Json> probe_store();

}  // namespace imagebuild::sandbox
