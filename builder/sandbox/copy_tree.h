// Copies the content of one directory of a tree into an empty one: files, directories, symlinks and
// FIFOs with owner, mode, times and attributes. Sockets and devices are left out; hard links become
// files of their own.
#pragma once

#include "common/base/result.h"

namespace imagebuild::sandbox {

/// Both are opened for reading. The directories' own metadata is not copied.
Result<void> copy_tree(int from, int to);

}  // namespace imagebuild::sandbox
