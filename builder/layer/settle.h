// Puts an unpacked layer onto the layers below it. A tar may hold `tmp/f` without `tmp`, link to a
// file of a lower layer, or name `lib/x` where a lower layer has `lib` as a symlink: containerd and
// Docker unpack onto the merged tree and get these right by that. We unpack layers apart from each
// other and repair the three cases here, in order from the bottom.
#pragma once

#include <span>

#include "builder/layer/unpack.h"
#include "common/base/result.h"

namespace imagebuild {

/// Settles `layer_fd` onto `lower_fds` (bottom first; may be empty):
/// - an implied directory takes owner, mode, times and xattrs of the directory it covers, or is
/// 0755,
///   root's, of time 0 when there is none;
/// - an implied directory that is a symlink below moves its content to where the link points;
/// - a deferred hard link becomes a copy of the lower file (several links to one target: one copy);
/// - whiteouts that hide nothing go (overlayfs would list them in directories it does not merge).
/// InvalidInput: a hard link to nothing; a parent that is no directory below.
Result<void> settle_layer(int layer_fd, std::span<const int> lower_fds,
                          const UnpackSummary& summary);

}  // namespace imagebuild
