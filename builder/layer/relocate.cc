#include "builder/layer/relocate.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>

namespace imagebuild::layer {

Result<void> copy_metadata(int from_parent, const std::string& from, int to_parent,
                           const std::string& to, bool keep_owner) {
  auto info = TRY(stat_at(from_parent, from));
  if (!info) return fail(ErrorKind::NotFound, from);
  if (keep_owner &&
      ::fchownat(to_parent, to.c_str(), info->st_uid, info->st_gid, AT_SYMLINK_NOFOLLOW) != 0)
    return errno_error(to + ": owner");
  if (!S_ISLNK(info->st_mode) && ::fchmodat(to_parent, to.c_str(), info->st_mode & 07777, 0) != 0)
    return errno_error(to + ": mode");
  for (const auto& [key, value] : TRY(read_xattrs(from_parent, from)))
    TRY(set_xattr(to_parent, to, key, value));
  return set_times(to_parent, to, mtime_of(*info));
}

Result<void> adopt_metadata(int layer_fd, const std::string& path, std::span<const int> lowers,
                            bool keep_owner) {
  auto own = TRY(open_beneath(layer_fd, path, O_PATH | O_DIRECTORY));
  auto below = is_opaque(own.get()) ? MergedNode{} : TRY(merged_node(lowers, path));
  if (below.node.kind == NodeKind::Directory) {
    auto lower = TRY(open_beneath(below.layer_fd, path, O_PATH | O_DIRECTORY));
    return copy_metadata(lower.get(), ".", own.get(), ".", keep_owner);
  }
  if (keep_owner && ::fchownat(own.get(), ".", 0, 0, 0) != 0) return errno_error(path + ": owner");
  if (::fchmodat(own.get(), ".", 0755, 0) != 0) return errno_error(path + ": mode");
  return set_times(own.get(), ".", {});
}

Relocations::Relocations(int layer_fd, std::span<const int> lowers, bool keep_owner)
    : layer_fd_(layer_fd), lowers_(lowers), keep_owner_(keep_owner) {}

std::string Relocations::current(std::string path) const {
  for (const auto& [from, to] : moves_)
    if (is_within(path, from))
      path = join_path(to, path.size() > from.size() ? path.substr(from.size() + 1) : "");
  return path;
}

/// Makes the layer have a directory at `path`, with the metadata of what it covers.
Result<void> Relocations::ensure_directory(const std::string& path) {
  if (path.empty()) return {};
  TRY(ensure_directory(std::string(parent_of(path))));
  auto info = TRY(stat_beneath(layer_fd_, path));
  if (info && S_ISDIR(info->st_mode)) return {};
  auto parent = TRY(open_beneath(layer_fd_, std::string(parent_of(path)), O_PATH | O_DIRECTORY));
  const KeepTimes keep(parent.get());
  const std::string name(name_of(path));
  if (info && ::unlinkat(parent.get(), name.c_str(), 0) != 0) return errno_error(path);
  if (::mkdirat(parent.get(), name.c_str(), 0755) != 0) return errno_error(path);
  if (info) {  // a whiteout: new content in its place must not bring the old one back
    auto made = TRY(open_directory(parent.get(), name));
    TRY(make_opaque(made.get()));
  }
  return adopt_metadata(layer_fd_, path, lowers_, keep_owner_);
}

/// Moves the children of `from` into `to`; directories on both sides merge,
/// anything else is replaced.
Result<void> Relocations::merge(const std::string& from, const std::string& to) {
  auto source = TRY(open_directory(layer_fd_, from));
  auto target = TRY(open_directory(layer_fd_, to));
  const KeepTimes keep(target.get());
  for (const auto& name : TRY(list_directory(source.get()))) {
    auto mine = TRY(stat_at(source.get(), name));
    auto theirs = TRY(stat_at(target.get(), name));
    if (mine && theirs && S_ISDIR(mine->st_mode) && S_ISDIR(theirs->st_mode)) {
      merged_.insert(join_path(to, name));
      TRY(merge(join_path(from, name), join_path(to, name)));
      continue;
    }
    // A whiteout hides lower layers, not what this layer has at the place.
    if (mine && theirs && is_whiteout(*mine)) {
      TRY(remove_tree(source.get(), name));
      continue;
    }
    if (theirs) TRY(remove_tree(target.get(), name));
    if (::renameat(source.get(), name.c_str(), target.get(), name.c_str()) != 0)
      return errno_error("move " + name);
  }
  auto parent = TRY(open_beneath(layer_fd_, std::string(parent_of(from)), O_PATH | O_DIRECTORY));
  const KeepTimes keep_parent(parent.get());
  if (::unlinkat(parent.get(), std::string(name_of(from)).c_str(), AT_REMOVEDIR) != 0)
    return errno_error(from + ": remove directory");
  return {};
}

Result<void> Relocations::move(const std::string& path) {
  std::vector<int> all(lowers_.begin(), lowers_.end());
  all.push_back(layer_fd_);
  const Lookup lookup = [&](const std::string& at) -> Result<Node> {
    auto merged = TRY(merged_node(at == path ? lowers_ : std::span<const int>(all), at));
    return merged.node;
  };
  auto target = TRY(resolve_path(path, lookup));
  if (target.kind != NodeKind::Directory && target.kind != NodeKind::Missing)
    return fail(ErrorKind::InvalidInput,
                path + ": a symlink to " + target.path + ", which is not a directory");
  if (is_within(target.path, path))
    return fail(ErrorKind::InvalidInput, path + ": a symlink to a place below itself");
  TRY(ensure_directory(target.path));
  TRY(merge(path, target.path));
  moves_.emplace_back(path, target.path);
  return {};
}

}  // namespace imagebuild::layer
