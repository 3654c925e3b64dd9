// The merged tree: overlay mounts of the worker's store,
// with the worker's current directory as base.
//
// Store layout: l/<hex> layers, w/<hex> overlay work directories, x/<hex> scaffolds, s/<hex> unpack
// summaries, m and o mount points, e/0 and e/1 always empty. Names are short because mount(2) cuts
// its options at one page. Always `userxattr`: without it the mount succeeds and rmdir of a lower
// directory is EIO.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "builder/sandbox/run_spec.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace imagebuild::sandbox {

std::string layer_path(LayerId layer);     ///< l/7f
std::string work_path(LayerId layer);      ///< w/7f
std::string scaffold_path(LayerId layer);  ///< x/7f
std::string summary_path(LayerId layer);   ///< s/7f
inline constexpr const char* merged_path = "m";
inline constexpr const char* other_merged_path = "o";
inline constexpr const char* cache_path = "../cache";  ///< caches of RUN, beside the store

/// Makes the folders of an empty store in the current directory.
Result<void> make_store();

struct OverlayMount {
  LowerList lowers;  ///< bottom first
  std::optional<LayerId>
      scaffold;  ///< one more directory above the lowers: mount points that RUN needs
  std::optional<LayerId> upper;  ///< absent: read-only
  bool volatile_upper = true;  ///< no fsync on behalf of RUN: the store does not outlive the worker
};

/// The options string of mount(2). InvalidInput when it does not fit one page.
Result<std::string> overlay_options(const OverlayMount& mount);

/// Mounts at `target`; without `volatile` where the kernel does not know it. Denied and others:
/// what mount(2) said.
Result<void> mount_overlay(const OverlayMount& mount, const char* target);

/// Makes the directories of a new upper layer, which looks as `root`, the tree below it, does;
/// -1: there is none.
Result<void> make_upper(LayerId upper, int root);

/// Mounts the read-only tree of `lowers` and opens its root.
Result<UniqueFd> open_merged(const LowerList& lowers, const char* target);

}  // namespace imagebuild::sandbox
