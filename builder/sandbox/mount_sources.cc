#include "builder/sandbox/mount_sources.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "builder/sandbox/copy_tree.h"
#include "builder/sandbox/overlay.h"
#include "builder/sandbox/protocol.h"
#include "builder/sandbox/tree_path.h"

namespace imagebuild::sandbox {
namespace {

constexpr std::size_t max_secret = 500u << 10;  // as BuildKit
constexpr int agent_backlog = 16;

Result<void> set_owner_and_mode(const std::string& path, const RunMount& mount) {
  if (::chown(path.c_str(), mount.uid, mount.gid) < 0) {
    return fail(ErrorKind::InvalidInput, "owner " + std::to_string(mount.uid) + ":" +
                                             std::to_string(mount.gid) + ": " +
                                             std::strerror(errno));
  }
  if (::chmod(path.c_str(), mount.mode & 07777) < 0) return errno_error("mode");
  return {};
}

MountSource file_source(const std::string& name) {
  return {other_merged_path, "/" + name, MountPointKind::File};
}

/// Listens where RUN will connect, and gives the socket to the builder.
Result<MountSource> agent(const RunMount& mount, int attachment, const std::string& name) {
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener) return errno_error("socket");
  const std::string path = std::string(other_merged_path) + "/" + name;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return errno_error("bind");
  TRY(set_owner_and_mode(path, mount));
  if (::listen(listener.get(), agent_backlog) < 0) return errno_error("listen");
  const int passed[] = {listener.get()};
  TRY(send_descriptors(attachment, passed));
  return file_source(name);
}

/// A cache's first content: what the tree of its `from` has at its source.
Result<void> fill_cache(const RunMount& mount, int directory) {
  if (mount.lowers.empty()) return {};
  UniqueFd root = TRY(open_merged(mount.lowers, merged_path));
  const PathInfo info = TRY(resolve_below(root.get(), mount.source, LastLink::Follow));
  if (info.type != PathType::Directory)
    return fail(info.exists() ? ErrorKind::InvalidInput : ErrorKind::NotFound,
                "source " + mount.source + " is not a directory");
  UniqueFd from = TRY(open_below(root.get(), info.path, O_RDONLY | O_DIRECTORY));
  TRY(copy_tree(from.get(), directory));
  from.reset();
  root.reset();
  if (::umount2(merged_path, 0) < 0) return errno_error("unmount the cache's source");
  return {};
}

bool lies_in(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

}  // namespace

Result<MountSources> MountSources::make(const RunSpec& spec, std::vector<UniqueFd> attachments) {
  if (::mount("tmpfs", other_merged_path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=32m") < 0)
    return errno_error("mount a tmpfs");
  MountSources made(spec);
  // Caches first and by key: steps that wait for each other's locks do so in one order.
  std::vector<std::size_t> order(spec.mounts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return spec.mounts[a].cache_key > spec.mounts[b].cache_key;
  });
  for (const std::size_t index : order) {
    const RunMount& mount = spec.mounts[index];
    TRY_CONTEXT(made.make_one(index, attachments),
                "mount " + (mount.target.empty() ? mount.variable : mount.target));
  }
  return made;
}

Result<void> MountSources::make_one(std::size_t index, const std::vector<UniqueFd>& attachments) {
  const RunMount& mount = spec_->mounts[index];
  const std::string name = "mount" + std::to_string(index);
  const bool attached = mount.kind == RunMount::Kind::Secret || mount.kind == RunMount::Kind::Agent;
  if (attached && mount.attachment >= attachments.size())
    return fail(ErrorKind::Internal, "an attachment is missing");
  const int attachment = attached ? attachments[mount.attachment].get() : -1;
  switch (mount.kind) {
    case RunMount::Kind::Tmpfs:
      return {};
    case RunMount::Kind::Tree:
      sources_[index] = TRY(view(mount, std::string(other_merged_path) + "/" + name));
      return {};
    case RunMount::Kind::Cache:
      sources_[index] = TRY(cache(mount));
      return {};
    case RunMount::Kind::Secret:
      sources_[index] = TRY(secret(mount, attachment, name));
      return {};
    case RunMount::Kind::Agent:
      sources_[index] = TRY(agent(mount, attachment, name));
      return {};
  }
  return fail(ErrorKind::InvalidInput, "unknown kind of mount");
}

// Always with an upper directory: what is mounted inside the view may need a place there.
Result<MountSource> MountSources::view(const RunMount& mount, const std::string& place) {
  UniqueFd root = TRY(open_merged(mount.lowers, merged_path));
  TRY(make_upper(mount.scratch, mount.lowers.empty() ? -1 : root.get()));
  root.reset();
  if (::umount2(merged_path, 0) < 0) return errno_error("unmount");
  if (::mkdir(place.c_str(), 0755) < 0) return errno_error("make " + place);
  TRY(mount_overlay({.lowers = mount.lowers, .scaffold = {}, .upper = mount.scratch},
                    place.c_str()));
  root = TRY(open_file(place, O_RDONLY | O_DIRECTORY));
  const PathInfo info = TRY(resolve_below(root.get(), mount.source, LastLink::Follow));
  if (!info.exists())
    return fail(ErrorKind::NotFound, "source " + mount.source + " does not exist");
  const bool directory = info.type == PathType::Directory;
  return MountSource{place, info.path,
                     directory ? MountPointKind::Directory : MountPointKind::File};
}

Result<MountSource> MountSources::cache(const RunMount& mount) {
  auto held = caches_.find(mount.cache_key);
  if (held == caches_.end()) {
    auto opened = TRY(
        open_cache(cache_path, mount, [&](int directory) { return fill_cache(mount, directory); }));
    held = caches_.emplace(mount.cache_key, std::move(opened)).first;
  }
  return MountSource{held->second.path, "/", MountPointKind::Directory};
}

Result<MountSource> MountSources::secret(const RunMount& mount, int attachment,
                                         const std::string& name) {
  if (::lseek(attachment, 0, SEEK_SET) < 0) return errno_error("read the secret");
  const std::string value = TRY(read_all(attachment, max_secret));
  if (!mount.variable.empty()) {
    if (value.find('\0') != value.npos)
      return fail(ErrorKind::InvalidInput, "the secret holds a NUL byte: no variable can");
    environment_.push_back(mount.variable + "=" + value);
  }
  if (mount.target.empty()) return MountSource{};
  const std::string path = std::string(other_merged_path) + "/" + name;
  const UniqueFd file = TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  TRY(write_all(file.get(), value));
  TRY(set_owner_and_mode(path, mount));
  return file_source(name);
}

Result<void> MountSources::remove() {
  if (::umount2(other_merged_path, MNT_DETACH) < 0) return errno_error("unmount RUN's mounts");
  for (const RunMount& mount : spec_->mounts) {
    if (mount.kind != RunMount::Kind::Tree) continue;
    TRY(remove_tree(AT_FDCWD, layer_path(mount.scratch)));
    TRY(remove_tree(AT_FDCWD, work_path(mount.scratch)));
  }
  return {};
}

std::vector<MountPoint> points_in_tree(std::vector<MountPoint> own,
                                       std::span<const MountPoint> asked) {
  std::vector<MountPoint> found;
  for (const MountPoint& point : asked) {
    const auto holds = [&](const MountPoint& other) { return lies_in(point.path, other.path); };
    if (std::none_of(own.begin(), own.end(), holds) &&
        std::none_of(asked.begin(), asked.end(), holds))
      found.push_back(point);
  }
  own.insert(own.end(), found.begin(), found.end());
  return own;
}

std::vector<std::size_t> mount_order(std::span<const RunMount> mounts) {
  std::vector<std::size_t> order(mounts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // A path sorts before what is below it; of two with one target the later lies on top.
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return mounts[a].target < mounts[b].target;
  });
  return order;
}

}  // namespace imagebuild::sandbox
