// Files of a tree by descriptor: opened beneath a root without symlinks, listed in order, turned
// into tar entries, given metadata, removed. What unpack, settle, diff and copy share.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "builder/layer/path.h"
#include "builder/layer/xattr.h"
#include "common/archive/tar.h"
#include "common/base/result.h"
#include "common/base/sha256.h"
#include "common/base/unique_fd.h"

namespace imagebuild::layer {

/// Opens a clean path ("" is the root itself) and refuses any symlink on the way.
Result<UniqueFd> open_beneath(int root_fd, const std::string& path, int flags);
/// The directory at a clean path.
Result<UniqueFd> open_directory(int root_fd, const std::string& path);

/// lstat below a directory; nullopt when there is nothing.
Result<std::optional<struct stat>> stat_at(int parent_fd, const std::string& name);
/// The same for a clean path with parents; nullopt also when a parent is missing or no directory.
Result<std::optional<struct stat>> stat_beneath(int root_fd, const std::string& path);
Result<std::string> read_link_at(int parent_fd, const std::string& name);
/// stat and link text as a Lookup wants them; a whiteout is Missing.
Result<Node> node_beneath(int root_fd, const std::string& path);

/// overlayfs' sign of a removed name: character device 0:0.
bool is_whiteout(const struct stat& info);
Result<void> make_whiteout(int parent_fd, const std::string& name);

/// Names in byte order, without "." and "..".
Result<std::vector<std::string>> list_directory(int directory_fd);
/// Removes a name with all below it; nothing there is no error.
Result<void> remove_tree(int parent_fd, const std::string& name);

/// The entry of `name`, with link text and xattrs; nullopt for a socket.
Result<std::optional<TarEntry>> entry_of(int parent_fd, const std::string& name,
                                         const struct stat& info, std::string path);
/// Writes the content of a regular file, exactly `entry.size` bytes; `hash`, if not null, sees them
/// too. Transient: the file became shorter meanwhile.
Result<void> write_content(int parent_fd, const std::string& name, const TarEntry& entry,
                           TarWriter& tar, Sha256* hash);

Result<void> set_times(int parent_fd, const std::string& name, Timestamp mtime);
Timestamp mtime_of(const struct stat& info);

/// Puts a directory's times back when it goes out of scope: we worked in it, the image did not.
class KeepTimes {
 public:
  explicit KeepTimes(int directory_fd);
  KeepTimes(const KeepTimes&) = delete;
  KeepTimes& operator=(const KeepTimes&) = delete;
  ~KeepTimes();

 private:
  int fd_;
  struct timespec times_[2];
  bool valid_;
};

}  // namespace imagebuild::layer
