#include "builder/sandbox/mount_calls.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>

#include "builder/sandbox/tree_path.h"

namespace imagebuild::sandbox {
namespace {

Result<void> set_read_only(const UniqueFd& mounted, unsigned flags) {
  struct mount_attr attributes {};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(mounted.get(), "", AT_EMPTY_PATH | flags, &attributes, sizeof attributes) ==
      0)
    return {};
  return errno_error("read-only");
}

Result<void> make_one(int root, const std::string& path, MountPointKind kind) {
  const auto slash = path.rfind('/');
  const auto parent = TRY(open_below(root, path.substr(0, slash), O_PATH | O_DIRECTORY));
  const std::string name = path.substr(slash + 1);
  if (kind == MountPointKind::Directory) {
    if (::mkdirat(parent.get(), name.c_str(), 0755) < 0 && errno != EEXIST)
      return errno_error("make " + path);
    return {};
  }
  const UniqueFd file(
      ::openat(parent.get(), name.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file) return errno_error("make " + path);
  return {};
}

}  // namespace

std::string by_descriptor(const UniqueFd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

Result<UniqueFd> open_target(int root, const std::string& path) {
  const PathInfo info = TRY(resolve_below(root, path, LastLink::Follow));
  return open_below(root, info.path, O_PATH);
}

Result<UniqueFd> make_target(int root, const std::string& path, MountPointKind kind) {
  const PathInfo info = TRY(resolve_below(root, path, LastLink::Follow));
  if (info.exists()) TRY(check_mount_point(info, {path, kind}));
  for (const std::string& missing : info.missing)
    TRY(make_one(root, missing, missing == info.path ? kind : MountPointKind::Directory));
  return open_below(root, info.path, O_PATH);
}

Result<void> mount_at(const char* source, const UniqueFd& target, const char* type,
                      unsigned long flags, const char* data) {
  if (::mount(source, by_descriptor(target).c_str(), type, flags, data) == 0) return {};
  return errno_error(type ? type : source);
}

Result<void> make_read_only(const UniqueFd& mounted) { return set_read_only(mounted, 0); }
Result<void> make_all_read_only(const UniqueFd& mounted) {
  return set_read_only(mounted, AT_RECURSIVE);
}

}  // namespace imagebuild::sandbox
