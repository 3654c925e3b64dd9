// What every source of a context shares: temporary roots,
// finding the Dockerfile and the ignore file. Internal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "builder/context/context.h"

namespace imagebuild::context {

/// A relative path without "..", "." or empty components; InvalidInput otherwise.
Result<std::string> checked_relative_path(std::string_view path);

/// A new directory, mode 0700, below `parent` ($TMPDIR or /tmp when empty).
Result<std::string> make_temporary_directory(const std::string& parent);
void remove_directory(const std::string& path);

/// Opens below `root`; symlinks resolve inside it (RESOLVE_IN_ROOT), magic links never.
Result<UniqueFd> open_in_root(int root, std::string_view relative_path, int flags);

}  // namespace imagebuild::context
