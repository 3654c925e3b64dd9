// What a stack of unpacked layers shows at a path, by overlayfs' rules and without a mount: the
// topmost layer that has something decides; whiteouts, opaque directories and non-directories hide
// what is below.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "builder/layer/node.h"

namespace imagebuild::layer {

struct MergedNode {
  Node node;
  int layer_fd = -1;  // of the layer that shows it; -1: nothing
};

/// `layers` bottom first; `path` clean. Symlinks in it are not followed:
/// below one there is nothing.
Result<MergedNode> merged_node(std::span<const int> layers, const std::string& path);

}  // namespace imagebuild::layer
