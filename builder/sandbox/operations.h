// What the tree worker does for one request, in a child of its own: its mount namespace and its
// death are private, the store is its current directory. The builder's half (tree_worker.cc) names
// the same operations.
#pragma once

#include <vector>

#include "common/base/json.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace imagebuild::sandbox {

/// `request` is {"op": name, …}; `descriptors` are the pipes that came with it.
Result<Json> perform(const Json& request, std::vector<UniqueFd> descriptors);

}  // namespace imagebuild::sandbox
