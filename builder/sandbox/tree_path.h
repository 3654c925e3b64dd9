// Looking up paths inside a tree that we do not trust: symlinks resolve inside the root, `..` stops
// at it, and what does not exist yet is named.
#pragma once

#include <string>
#include <string_view>

#include "builder/sandbox/tree_worker.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace imagebuild::sandbox {

/// openat2(2) below `root`, no symlink followed. `path` is absolute or relative,
/// both mean: below root.
Result<UniqueFd> open_below(int root, std::string_view path, int flags);

/// InvalidInput: more than 40 symlinks, or a component that is not a directory (named).
Result<PathInfo> resolve_below(int root, std::string_view path, LastLink last);

/// Removes `name` in `directory` and everything below it, however deep,
/// with two descriptors and no recursion.
Result<void> remove_tree(int directory, const std::string& name);

/// Owner, mode, times and extended attributes of one directory onto another,
/// both opened for reading.
Result<void> copy_directory_metadata(int from, int to);

}  // namespace imagebuild::sandbox
