#include "builder/layer/settle.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <tuple>

#include "builder/layer/relocate.h"

namespace imagebuild {

using namespace layer;

namespace {

/// Implied directories, parents first: take metadata, or move to where a symlink below points.
Result<void> settle_directories(int layer_fd, std::span<const int> lowers,
                                const UnpackSummary& summary, Relocations& relocations) {
  std::vector<std::string> settled;
  for (const auto& unpacked : summary.implied_directories) {
    const std::string path = relocations.current(unpacked);
    auto below = TRY(merged_node(lowers, path));
    auto own = TRY(open_beneath(layer_fd, path, O_PATH | O_DIRECTORY));
    if (below.node.kind == NodeKind::Symlink && !is_opaque(own.get())) {
      own.reset();
      TRY(relocations.move(path));
    } else if (!relocations.merged(path)) {
      settled.push_back(path);
    }
  }
  // After all moves, children first: each move touches the times of the directories around it.
  for (auto path = settled.rbegin(); path != settled.rend(); ++path)
    TRY_CONTEXT(adopt_metadata(layer_fd, relocations.current(*path), lowers, summary.owners_kept),
                *path);
  return {};
}

/// Does a directory of this layer hide the lower layers at `path` already?
Result<bool> below_opaque(int layer_fd, std::string path) {
  while (!path.empty()) {
    path = std::string(parent_of(path));
    auto directory = TRY(open_beneath(layer_fd, path, O_PATH | O_DIRECTORY));
    if (is_opaque(directory.get())) return true;
  }
  return false;
}

Result<void> drop_idle_whiteouts(int layer_fd, std::span<const int> lowers,
                                 const UnpackSummary& summary, const Relocations& relocations) {
  for (const auto& unpacked : summary.whiteouts) {
    const std::string path = relocations.current(unpacked);
    const bool hides = TRY(merged_node(lowers, path)).node.kind != NodeKind::Missing;
    if (hides && !TRY(below_opaque(layer_fd, path))) continue;
    auto info = TRY(stat_beneath(layer_fd, path));
    if (!info || !is_whiteout(*info)) continue;
    auto parent = TRY(open_beneath(layer_fd, std::string(parent_of(path)), O_PATH | O_DIRECTORY));
    const KeepTimes keep(parent.get());
    if (::unlinkat(parent.get(), std::string(name_of(path)).c_str(), 0) != 0)
      return errno_error(path);
  }
  return {};
}

Result<void> copy_content(int from_fd, int to_fd) {
  for (;;) {
    ssize_t n = ::copy_file_range(from_fd, nullptr, to_fd, nullptr, 64 << 20, 0);
    if (n == 0) return {};
    if (n > 0) continue;
    if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
      return errno_error("copy");
    std::array<char, 128 << 10> buffer;  // two file systems that cannot do it among themselves
    for (;;) {
      std::size_t read = TRY(read_some(from_fd, buffer));
      if (read == 0) return {};
      TRY(write_all(to_fd, {buffer.data(), read}));
    }
  }
}

/// Copies a file or symlink of a lower layer, whole.
Result<void> copy_up(int from_parent, const std::string& from, int to_parent, const std::string& to,
                     bool keep_owner) {
  auto info = TRY(stat_at(from_parent, from));
  if (!info) return fail(ErrorKind::NotFound, from);
  if (S_ISLNK(info->st_mode)) {
    if (::symlinkat(TRY(read_link_at(from_parent, from)).c_str(), to_parent, to.c_str()) != 0)
      return errno_error(to + ": symlink");
  } else if (S_ISREG(info->st_mode)) {
    auto source = TRY(open_beneath(from_parent, from, O_RDONLY));
    UniqueFd copy(::openat(to_parent, to.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!copy) return errno_error(to + ": create");
    TRY(copy_content(source.get(), copy.get()));
  } else {
    return fail(ErrorKind::InvalidInput,
                "a hard link to something that is neither file nor symlink");
  }
  return copy_metadata(from_parent, from, to_parent, to, keep_owner);
}

/// The path of a link's target in the merged tree: symlinks in its
/// parents are followed, itself not.
Result<std::string> target_path(std::span<const int> layers, const std::string& target) {
  const Lookup lookup = [&](const std::string& at) -> Result<Node> {
    auto merged = TRY(merged_node(layers, at));
    return merged.node;
  };
  auto parent = TRY(resolve_path(parent_of(target), lookup));
  return join_path(parent.path, name_of(target));
}

Result<void> settle_hard_link(int layer_fd, std::span<const int> layers, const std::string& path,
                              const std::string& target, bool keep_owner) {
  if (TRY(stat_beneath(layer_fd, path))) return {};  // replaced by a later entry
  const std::string existing = TRY(target_path(layers, target));
  auto shown = TRY(merged_node(layers, existing));
  if (shown.node.kind == NodeKind::Missing)
    return fail(ErrorKind::InvalidInput, "hard link to " + target + ", which does not exist");
  auto from_parent =
      TRY(open_beneath(shown.layer_fd, std::string(parent_of(existing)), O_PATH | O_DIRECTORY));
  auto to_parent = TRY(open_beneath(layer_fd, std::string(parent_of(path)), O_PATH | O_DIRECTORY));
  const KeepTimes keep(to_parent.get());
  const std::string from(name_of(existing));
  const std::string to(name_of(path));
  if (shown.layer_fd != layer_fd)
    return copy_up(from_parent.get(), from, to_parent.get(), to, keep_owner);
  if (::linkat(from_parent.get(), from.c_str(), to_parent.get(), to.c_str(), 0) != 0)
    return errno_error("hard link to " + target);
  return {};
}

Result<void> settle_hard_links(int layer_fd, std::span<const int> lowers,
                               const UnpackSummary& summary, const Relocations& relocations) {
  std::vector<int> all(lowers.begin(), lowers.end());
  all.push_back(layer_fd);
  std::map<std::string, std::string>
      copies;  // target in a lower layer → its first copy in this one
  for (const auto& link : summary.deferred_hard_links) {
    const std::string path = relocations.current(link.path);
    auto [copy, is_first] = copies.try_emplace(link.target, path);
    const std::string& target = is_first ? link.target : copy->second;
    TRY_CONTEXT(settle_hard_link(layer_fd, all, path, target, summary.owners_kept), path);
  }
  return {};
}

}  // namespace

Result<void> settle_layer(int layer_fd, std::span<const int> lower_fds,
                          const UnpackSummary& summary) {
  Relocations relocations(layer_fd, lower_fds, summary.owners_kept);
  // Directories get their times here; the two steps after it keep them (KeepTimes).
  TRY_CONTEXT(settle_directories(layer_fd, lower_fds, summary, relocations), "settle layer");
  TRY_CONTEXT(drop_idle_whiteouts(layer_fd, lower_fds, summary, relocations), "settle layer");
  return settle_hard_links(layer_fd, lower_fds, summary, relocations).context("settle layer");
}

}  // namespace imagebuild
