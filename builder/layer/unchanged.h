// Whether what an overlay copied up is still the file below: opened for writing and never written,
// or given the owner it had. Such a file is not part of a layer.
#pragma once

#include <string>

#include "common/archive/tar.h"
#include "common/base/result.h"

namespace imagebuild::layer {

/// Compares `name` in the upper directory, whose tar entry is `entry`, with the lower's: metadata
/// except ctime first, then content. False when `lower` is -1 or has nothing of that name.
Result<bool> is_unchanged(int upper, int lower, const std::string& name, const TarEntry& entry);

}  // namespace imagebuild::layer
