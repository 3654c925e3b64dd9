// A layer's tar becomes a directory tree that overlayfs (mounted with userxattr) takes as a lower.
//
// Layers are untrusted. Every path is confined to the given directory: absolute names, `..` and
// symlinks resolve inside it, as in a chroot. Whiteouts become character device 0:0, opaque
// markers user.overlay.opaque; overlay's own attributes in a tar are dropped. A later entry
// replaces an earlier one of the same name; whiteouts hide lower layers only, never entries of
// the same tar. A layer is unpacked on its own, so what it takes from the layers below is
// returned and applied by settle.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/archive/tar.h"
#include "common/base/result.h"

namespace imagebuild {

struct UnpackOptions {
  std::uint64_t bytes = std::uint64_t{256} << 30;  // sum of the contents
  std::uint32_t id_limit = 65535;  // owners at or above it are refused: no mapping has them
  bool keep_owner = true;          // false: everything stays the caller's (no privilege needed)
};

/// A hard link whose target is not in this layer.
struct DeferredHardLink {
  std::string path;
  std::string target;
};

/// Paths are relative and clean, without symlinks in their parents.
struct UnpackSummary {
  std::vector<std::string> implied_directories;  // made as parents, not in the tar; sorted, parents
                                                 // first; "" is the root
  std::vector<DeferredHardLink> deferred_hard_links;
  std::vector<std::string> whiteouts;  // paths now hidden by a 0:0 device; sorted
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t skipped_devices = 0;  // device nodes that this user namespace may not make
  std::uint64_t skipped_xattrs = 0;   // attributes that may not be set here (trusted.*)
  bool owners_kept = true;
};

/// Unpacks into `directory_fd` (empty, the caller's). InvalidInput names the entry: malformed,
/// beyond a limit, an owner outside the mapped ids, a parent that is not a directory.
Result<UnpackSummary> unpack_layer(int directory_fd, TarReader& tar,
                                   const UnpackOptions& options = {});

}  // namespace imagebuild
