// Caches of RUN --mount=type=cache: directories beside the worker's store that outlive a step, and
// with --cache-dir the build.
//
// `<root>/<key>/` holds one cache: its content `0`, and `1`, `2`, … when several steps want one of
// their own at once. A step holds a lock of its instance; what is made but not complete has another
// name until it is.
#pragma once

#include <functional>
#include <string>

#include "builder/sandbox/run_spec.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace imagebuild::sandbox {

/// One instance of a cache, ours until the lock is closed in every process that has it.
struct OpenCache {
  std::string path;  ///< of the directory with the content
  UniqueFd lock;
};

/// Puts a new cache's first content into an empty directory.
using CacheFill = std::function<Result<void>(int directory)>;

/// Waits where the mount's sharing says so. A new cache gets the mount's owner and mode.
Result<OpenCache> open_cache(const std::string& root, const RunMount& mount, const CacheFill& fill);

}  // namespace imagebuild::sandbox
