// Extended attributes of anything, links and devices included, by parent descriptor and name.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace imagebuild::layer {

using Xattrs = std::map<std::string, std::string>;

/// overlayfs' bookkeeping: user.overlay.*, trusted.overlay.*. Never in a tar, never from one.
bool is_overlay_xattr(std::string_view name);
/// Belongs to the machine, not to the file: overlay's, SELinux labels, integrity hashes.
bool is_machine_xattr(std::string_view name);

/// All that may travel in a layer (no machine attributes). Empty on file systems without any.
Result<Xattrs> read_xattrs(int parent_fd, const std::string& name);

enum class XattrOutcome { Set, Refused };
/// Refused: not permitted here or not supported by the file system.
/// "security.capability" refused is Denied.
Result<XattrOutcome> set_xattr(int parent_fd, const std::string& name, const std::string& key,
                               std::string_view value);

inline constexpr char kOpaque[] = "user.overlay.opaque";
/// Does the directory hide what is below it?
bool is_opaque(int directory_fd);
Result<void> make_opaque(int directory_fd);

}  // namespace imagebuild::layer
