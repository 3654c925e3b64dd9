#include "builder/sandbox/scaffold.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <set>

#include "builder/sandbox/tree_path.h"

namespace imagebuild::sandbox {
namespace {

/// Makes the directory `path` in the scaffold, its parents first;
/// notes those that the image has too.
Result<void> make_directories(const std::string& scaffold, std::string_view path,
                              std::set<std::string>& made) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part(path.substr(0, slash));
    if (part != "/" && !part.empty() && made.insert(part).second) {
      if (::mkdir((scaffold + part).c_str(), 0755) < 0 && errno != EEXIST)
        return errno_error("make " + part);
    }
    if (slash == path.npos) return {};
  }
}

Result<void> make_point(const std::string& scaffold, const PathInfo& info, MountPointKind kind,
                        std::set<std::string>& made) {
  const std::string parent = info.path.substr(0, info.path.rfind('/'));
  TRY(make_directories(scaffold, parent, made));
  if (kind == MountPointKind::Directory) return make_directories(scaffold, info.path, made);
  TRY(open_file(scaffold + info.path, O_WRONLY | O_CREAT, 0644));
  return {};
}

/// Directories that the image has look as they do there. Afterwards,
/// as making children changes times.
Result<void> copy_appearance(int root, const std::string& scaffold,
                             const std::set<std::string>& made) {
  for (const std::string& path : made) {
    auto from = open_below(root, path, O_RDONLY | O_DIRECTORY);
    if (!from && from.error().kind == ErrorKind::NotFound) continue;
    if (!from) return from.error();
    auto to = TRY(open_file(scaffold + path, O_RDONLY | O_DIRECTORY));
    TRY_CONTEXT(copy_directory_metadata(from->get(), to.get()), path);
  }
  return {};
}

}  // namespace

Result<void> check_mount_point(const PathInfo& info, const MountPoint& point) {
  const bool directory = info.type == PathType::Directory;
  if (directory == (point.kind == MountPointKind::Directory)) return {};
  return fail(ErrorKind::InvalidInput, "the image's " + point.path + " is " +
                                           (directory ? "a directory" : "not a directory") +
                                           ": RUN cannot mount over it");
}

Result<bool> build_scaffold(int root, const std::string& scaffold,
                            std::span<const MountPoint> points) {
  std::set<std::string> made;
  bool any = false;
  for (const MountPoint& point : points) {
    const PathInfo info = TRY(resolve_below(root, point.path, LastLink::Follow));
    if (!info.exists()) {
      TRY(make_point(scaffold, info, point.kind, made));
      any = true;
      continue;
    }
    TRY(check_mount_point(info, point));
  }
  TRY(copy_appearance(root, scaffold, made));
  return any;
}

}  // namespace imagebuild::sandbox
