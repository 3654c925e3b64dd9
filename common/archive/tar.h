// Tar archives as streams of entries: the one user of libarchive.
//
// Promises: names, link targets and extended attributes round-trip byte for byte, whatever
// their encoding; the same entries give the same bytes; memory does not grow with the archive.
// The reader knows ustar, PAX, GNU and old V7 tar, long names, base-256 numbers and sparse
// files (delivered expanded). The writer is PAX, with extended headers only where a value
// needs one. Paths are handed on as they stand in the archive: cleaning and confining them is
// the unpacker's work (builder/layer/unpack.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/archive/byte_stream.h"
#include "common/base/result.h"

namespace imagebuild {

enum class EntryType { Regular, Directory, Symlink, HardLink, CharDevice, BlockDevice, Fifo };

/// "file", "directory", "symlink", …: for messages and hashes.
std::string_view to_string(EntryType type);

struct Timestamp {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  auto operator<=>(const Timestamp&) const = default;
};

struct TarEntry {
  std::string path;  // a directory's without its trailing slash
  EntryType type = EntryType::Regular;
  std::uint32_t mode = 0644;  // permission bits with setuid, setgid, sticky (07777)
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;  // content bytes; 0 unless Regular
  Timestamp mtime;
  std::string link_target;  // Symlink: its text; HardLink: path of an earlier entry
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::map<std::string, std::string> xattrs;  // full names ("security.capability"), binary values
};

struct TarLimits {
  std::size_t name_bytes = 4096;        // path and link target, each (PATH_MAX)
  std::size_t xattr_bytes = 256 << 10;  // names and values of one entry together
  std::uint64_t entries = 8'000'000;
};

/// Reads entries in order. Move-only.
class TarReader {
 public:
  explicit TarReader(ByteSource source, TarLimits limits = {});
  TarReader(TarReader&&) noexcept;
  TarReader& operator=(TarReader&&) noexcept;
  ~TarReader();

  /// The next entry, or nullopt at the end (then the source has been read to its end too, so that
  /// a digest computed behind it is complete). Skips what is left of the previous content.
  /// InvalidInput: malformed, truncated or beyond a limit; names the entry.
  Result<std::optional<TarEntry>> next();
  /// Content of the entry that next() gave: bytes valid until the next call; empty at its end.
  Result<std::string_view> read();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Writes entries in the order given. Move-only. Content is written in full before the next entry.
class TarWriter {
 public:
  explicit TarWriter(ByteSink sink);
  TarWriter(TarWriter&&) noexcept;
  TarWriter& operator=(TarWriter&&) noexcept;
  ~TarWriter();

  /// Internal when the previous entry's content is not complete; InvalidInput for a NUL in a name.
  Result<void> begin(const TarEntry& entry);
  /// A part of the content; more than `entry.size` in sum is Internal.
  Result<void> write(std::string_view bytes);
  /// The end marker. Without it the archive is truncated.
  Result<void> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace imagebuild
