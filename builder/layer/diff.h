// An overlay upper directory becomes a layer: what RUN changed, never a walk of the image.
//
// Deterministic: byte order within a directory, a directory before its content, hard links named
// by their first path. Overlay's bookkeeping (0:0 devices, user.overlay.*) is translated and never
// reaches the tar. A directory that overlayfs only copied up appears when something in it changed.
#pragma once

#include <cstdint>
#include <optional>

#include "common/archive/tar.h"
#include "common/base/result.h"

namespace imagebuild {

struct DiffOptions {
  std::optional<std::int64_t> clamp_mtime;  // seconds: later times become this one
};

struct DiffSummary {
  std::uint64_t entries = 0;    // without whiteouts
  std::uint64_t bytes = 0;      // of contents
  std::uint64_t whiteouts = 0;  // opaque markers included
};

/// Writes the entries of `upper_fd` against the merged tree of its lowers, `lower_root_fd` (-1:
/// there is nothing below). Does not call `tar.finish()`. Sockets are left out.
Result<DiffSummary> diff_upper(int upper_fd, int lower_root_fd, const DiffOptions& options,
                               TarWriter& tar);

}  // namespace imagebuild
