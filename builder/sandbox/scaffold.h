// Mount points that the image lacks (proc, sys, dev, etc/resolv.conf,
// …) without a trace in any layer.
//
// They go into a directory of their own, which is stacked between the image and RUN's upper
// directory. A directory on the way that the image has appears there with the image's owner, mode,
// times and attributes, so the merged tree shows nothing new but the mount points, and the upper
// directory never changes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "builder/sandbox/tree_worker.h"
#include "common/base/result.h"

namespace imagebuild::sandbox {

enum class MountPointKind { Directory, File };

struct MountPoint {
  std::string path;  ///< absolute, as RUN sees it; symlinks resolve inside the tree
  MountPointKind kind = MountPointKind::Directory;
};

/// InvalidInput: what is there is of the other kind (named).
Result<void> check_mount_point(const PathInfo& info, const MountPoint& point);

/// Makes what is missing in the tree `root` inside the empty directory `scaffold`. True if anything
/// was made. InvalidInput: something of the other kind is there already (named).
Result<bool> build_scaffold(int root, const std::string& scaffold,
                            std::span<const MountPoint> points);

}  // namespace imagebuild::sandbox
