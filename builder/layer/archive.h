// ADD of an archive: a tar, plain or compressed with gzip, bzip2, xz or zstd, becomes entries of a
// layer below the destination. As with tar -x what is there already is kept and what the archive
// names replaces it; the archive's own root changes nothing. Archives are untrusted: `..` is
// refused, and a symlink that the archive brings is followed below the destination only.
#pragma once

#include <cstdint>
#include <optional>

#include "builder/layer/copy.h"
#include "common/archive/tar.h"
#include "common/base/result.h"

namespace imagebuild {

/// Is it an archive, by its content? Only the first header is looked at: what is damaged behind it
/// is one. `fd` is a regular file; it is read from its start.
Result<bool> is_archive(int fd);

struct ArchiveRequest {
  CopyDestination destination;               // a directory, whatever it is written like
  std::optional<CopyOwner> owner;            // --chown; absent: the archive's owners
  std::int64_t made_mtime = 0;               // of directories made on the way
  std::optional<std::int64_t> latest_mtime;  // later times become this one
};

/// Writes the archive's entries in their order to `tar` (finish() is the caller's). InvalidInput
/// names the entry: a name that leads out, a name that removes (.wh.), damage; or the destination
/// is no directory.
Result<CopySummary> archive_to_tar(int fd, const ArchiveRequest& request, TarWriter& tar);

/// Unpacks the whole archive into a directory, every file ours, for a build context. InvalidInput:
/// more than `max_bytes` of content, a whiteout, damage.
Result<void> unpack_archive(int fd, int directory_fd, std::uint64_t max_bytes);

}  // namespace imagebuild
