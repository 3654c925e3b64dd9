#include "builder/layer/unpack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <set>

#include "builder/layer/unpack_paths.h"

namespace imagebuild {

using namespace layer;

namespace {

// OCI image-spec, layer.md, "Whiteouts".
constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaqueMarker = ".wh..wh..opq";
constexpr std::string_view kReserved = ".wh..wh.";

/// AUFS' own files (.wh..wh.plnk/…): nothing of the image.
bool is_reserved(const std::string& path) {
  for (const auto& part : components_of(path))
    if (part.starts_with(kReserved)) return true;
  return false;
}

class Unpacker {
 public:
  Unpacker(int root_fd, TarReader& tar, const UnpackOptions& options)
      : root_fd_(root_fd), tar_(tar), options_(options), paths_(root_fd) {}

  Result<UnpackSummary> run();

 private:
  Result<void> apply(const TarEntry& entry);
  Result<void> root(const TarEntry& entry);
  Result<void> opaque(const std::string& directory);
  Result<void> whiteout(const std::string& path);
  Result<void> hard_link(const Place& place, const TarEntry& entry);
  Result<void> directory(const Place& place, const TarEntry& entry);
  Result<bool> create(const Place& place, const TarEntry& entry);
  Result<void> regular(const Place& place);
  Result<void> clear(const Place& place);
  Result<void> metadata(int parent_fd, const std::string& name, const TarEntry& entry);
  Result<void> directory_times();
  Result<void> summarise();

  int root_fd_;
  TarReader& tar_;
  const UnpackOptions& options_;
  UnpackPaths paths_;
  UnpackSummary summary_;
  std::map<std::string, Timestamp> directory_mtimes_;
  std::set<std::string> whiteouts_;
  bool root_named_ = false;
};

/// Removes what an earlier entry left at the place.
Result<void> Unpacker::clear(const Place& place) {
  return remove_tree(place.parent_fd, place.name);
}

/// Owner before mode (chown clears setuid bits), attributes after the owner
/// (chown drops security.capability).
Result<void> Unpacker::metadata(int parent_fd, const std::string& name, const TarEntry& entry) {
  if (options_.keep_owner &&
      ::fchownat(parent_fd, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0)
    return errno_error("owner " + std::to_string(entry.uid) + ":" + std::to_string(entry.gid));
  if (entry.type != EntryType::Symlink &&
      ::fchmodat(parent_fd, name.c_str(), entry.mode & 07777, 0) != 0)
    return errno_error("mode");
  for (const auto& [key, value] : entry.xattrs) {
    if (is_overlay_xattr(key)) continue;
    auto outcome = set_xattr(parent_fd, name, key, value);
    if (!outcome && options_.keep_owner) return std::move(outcome).error();
    if (!outcome || *outcome == XattrOutcome::Refused) ++summary_.skipped_xattrs;
  }
  return {};
}

Result<void> Unpacker::root(const TarEntry& entry) {
  if (entry.type != EntryType::Directory)
    return fail(ErrorKind::InvalidInput, "the root is not a directory");
  TRY(metadata(root_fd_, ".", entry));
  root_named_ = true;
  directory_mtimes_[""] = entry.mtime;
  return {};
}

Result<void> Unpacker::opaque(const std::string& directory) {
  auto path = TRY(paths_.directory(directory));
  auto fd = TRY(open_directory(root_fd_, path));
  return make_opaque(fd.get());
}

/// A whiteout hides lower layers. What this very layer has at the name stays, but no longer merges.
Result<void> Unpacker::whiteout(const std::string& path) {
  const std::string name(name_of(path).substr(kWhiteout.size()));
  if (name.empty() || name == "." || name == "..")
    return fail(ErrorKind::InvalidInput, "a whiteout of no name");
  Place place = TRY(paths_.place(join_path(parent_of(path), name)));
  auto old = TRY(stat_at(place.parent_fd, place.name));
  if (!old) {
    TRY(make_whiteout(place.parent_fd, place.name));
    whiteouts_.insert(place.path);
  } else if (S_ISDIR(old->st_mode)) {
    auto fd = TRY(open_directory(place.parent_fd, place.name));
    TRY(make_opaque(fd.get()));
  }
  return {};
}

Result<void> Unpacker::hard_link(const Place& place, const TarEntry& entry) {
  const std::string target = clean_path(entry.link_target);
  if (target.empty()) return fail(ErrorKind::InvalidInput, "a hard link to the root");
  auto canonical = paths_.canonical_existing(target);
  if (!canonical && canonical.error().kind != ErrorKind::NotFound)
    return std::move(canonical).error();
  auto info = canonical ? TRY(stat_beneath(root_fd_, *canonical)) : std::optional<struct stat>();
  if (canonical && *canonical == place.path) return {};
  TRY(clear(place));
  if (!info || is_whiteout(*info)) {
    summary_.deferred_hard_links.push_back({place.path, target});
    return {};
  }
  if (S_ISDIR(info->st_mode))
    return fail(ErrorKind::InvalidInput, "a hard link to the directory " + target);
  auto target_parent =
      TRY(open_beneath(root_fd_, std::string(parent_of(*canonical)), O_PATH | O_DIRECTORY));
  const std::string target_name(name_of(*canonical));
  if (::linkat(target_parent.get(), target_name.c_str(), place.parent_fd, place.name.c_str(), 0) !=
      0)
    return errno_error("hard link to " + target);
  return {};
}

Result<void> Unpacker::directory(const Place& place, const TarEntry& entry) {
  auto old = TRY(stat_at(place.parent_fd, place.name));
  if (!old || !S_ISDIR(old->st_mode)) {
    if (old && ::unlinkat(place.parent_fd, place.name.c_str(), 0) != 0)
      return errno_error("replace");
    if (::mkdirat(place.parent_fd, place.name.c_str(), 0700) != 0)
      return errno_error("make directory");
    if (old) {  // the file or whiteout hid what is below, so does the directory in its place
      auto fd = TRY(open_directory(place.parent_fd, place.name));
      TRY(make_opaque(fd.get()));
    }
  }
  TRY(metadata(place.parent_fd, place.name, entry));
  paths_.named(place.path);
  directory_mtimes_[place.path] = entry.mtime;
  return {};
}

Result<void> Unpacker::regular(const Place& place) {
  UniqueFd file(::openat(place.parent_fd, place.name.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return errno_error("create");
  for (;;) {
    auto part = TRY(tar_.read());
    if (part.empty()) return {};
    TRY(write_all(file.get(), part));
  }
}

/// Makes anything that is neither directory nor hard link; false: left out.
Result<bool> Unpacker::create(const Place& place, const TarEntry& entry) {
  const char* name = place.name.c_str();
  if (entry.type == EntryType::Regular) {
    TRY(regular(place));
    return true;
  }
  if (entry.type == EntryType::Symlink) {
    if (::symlinkat(entry.link_target.c_str(), place.parent_fd, name) == 0) return true;
    return errno_error("symlink");
  }
  if (entry.type == EntryType::Fifo) {
    if (::mkfifoat(place.parent_fd, name, 0600) == 0) return true;
    return errno_error("FIFO");
  }
  const bool is_char = entry.type == EntryType::CharDevice;
  // To overlayfs a 0:0 character device is a whiteout: a layer says that
  // with .wh. names, not like this.
  if (is_char && entry.device_major == 0 && entry.device_minor == 0)
    return fail(ErrorKind::InvalidInput, "character device 0:0");
  // In a user namespace real devices cannot be made; /dev is mounted for RUN,
  // so nothing misses them.
  if (::mknodat(place.parent_fd, name, (is_char ? S_IFCHR : S_IFBLK) | 0600,
                makedev(entry.device_major, entry.device_minor)) == 0)
    return true;
  if (errno != EPERM) return errno_error("device");
  ++summary_.skipped_devices;
  return false;
}

Result<void> Unpacker::apply(const TarEntry& entry) {
  if (options_.keep_owner && (entry.uid >= options_.id_limit || entry.gid >= options_.id_limit))
    return fail(ErrorKind::InvalidInput,
                "owner " + std::to_string(entry.uid) + ":" + std::to_string(entry.gid) +
                    ": ids from " + std::to_string(options_.id_limit) + " on are not mapped");
  if (entry.size > options_.bytes - summary_.bytes)
    return fail(ErrorKind::InvalidInput,
                "layer unpacks to more than " + std::to_string(options_.bytes) + " bytes");
  summary_.bytes += entry.size;
  ++summary_.entries;
  const std::string path = clean_path(entry.path);
  if (path.empty()) return root(entry);
  if (name_of(path) == kOpaqueMarker) return opaque(std::string(parent_of(path)));
  if (is_reserved(path)) return {};
  if (name_of(path).starts_with(kWhiteout)) return whiteout(path);
  Place place = TRY(paths_.place(path));
  if (entry.type == EntryType::HardLink) return hard_link(place, entry);
  if (entry.type == EntryType::Directory) return directory(place, entry);
  TRY(clear(place));  // the opened parent is above it and stays
  if (!TRY(create(place, entry))) return {};
  TRY(metadata(place.parent_fd, place.name, entry));
  return set_times(place.parent_fd, place.name, entry.mtime);
}

/// Last, children first: everything made in a directory changes its time.
Result<void> Unpacker::directory_times() {
  for (auto it = directory_mtimes_.rbegin(); it != directory_mtimes_.rend(); ++it) {
    const auto& [path, mtime] = *it;
    if (path.empty()) {
      TRY(set_times(root_fd_, ".", mtime));
      continue;
    }
    auto info = TRY(stat_beneath(root_fd_, path));
    if (!info || !S_ISDIR(info->st_mode)) continue;  // replaced by a later entry
    auto parent = TRY(open_beneath(root_fd_, std::string(parent_of(path)), O_PATH | O_DIRECTORY));
    TRY(set_times(parent.get(), std::string(name_of(path)), mtime));
  }
  return {};
}

Result<void> Unpacker::summarise() {
  if (!root_named_) {
    if (::fchmodat(root_fd_, ".", 0755, 0) != 0) return errno_error("mode of the root");
    summary_.implied_directories.push_back("");
  }
  for (const auto& path : paths_.implied()) {
    auto info = TRY(stat_beneath(root_fd_, path));
    if (info && S_ISDIR(info->st_mode)) summary_.implied_directories.push_back(path);
  }
  for (const auto& path : whiteouts_) {
    auto info = TRY(stat_beneath(root_fd_, path));
    if (info && is_whiteout(*info)) summary_.whiteouts.push_back(path);
  }
  summary_.owners_kept = options_.keep_owner;
  return {};
}

Result<UnpackSummary> Unpacker::run() {
  for (;;) {
    auto entry = TRY(tar_.next());
    if (!entry) break;
    TRY_CONTEXT(apply(*entry), "unpack " + entry->path);
  }
  TRY_CONTEXT(directory_times(), "unpack");
  TRY_CONTEXT(summarise(), "unpack");
  return std::move(summary_);
}

}  // namespace

Result<UnpackSummary> unpack_layer(int directory_fd, TarReader& tar, const UnpackOptions& options) {
  return Unpacker(directory_fd, tar, options).run();
}

}  // namespace imagebuild
