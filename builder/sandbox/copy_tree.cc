#include "builder/sandbox/copy_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "builder/layer/node.h"
#include "builder/layer/xattr.h"
#include "common/base/unique_fd.h"

namespace imagebuild::sandbox {
namespace {

Result<void> copy_content(int from, int to, const std::string& name) {
  const UniqueFd in(::openat(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!in) return errno_error("open " + name);
  const UniqueFd out(
      ::openat(to, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!out) return errno_error("make " + name);
  std::vector<char> buffer(std::size_t{1} << 20);
  for (;;) {
    const std::size_t got = TRY(read_some(in.get(), buffer));
    if (got == 0) return {};
    TRY(write_all(out.get(), {buffer.data(), got}));
  }
}

/// False: it is of a kind that is left out.
Result<bool> make_copy(int from, int to, const std::string& name, const struct stat& info) {
  if (S_ISREG(info.st_mode)) {
    TRY(copy_content(from, to, name));
  } else if (S_ISDIR(info.st_mode)) {
    if (::mkdirat(to, name.c_str(), 0700) < 0) return errno_error("make " + name);
  } else if (S_ISLNK(info.st_mode)) {
    const std::string target = TRY(layer::read_link_at(from, name));
    if (::symlinkat(target.c_str(), to, name.c_str()) < 0) return errno_error("make " + name);
  } else if (S_ISFIFO(info.st_mode)) {
    if (::mkfifoat(to, name.c_str(), 0600) < 0) return errno_error("make " + name);
  } else {
    return false;
  }
  return true;
}

Result<void> copy_metadata(int from, int to, const std::string& name, const struct stat& info) {
  if (::fchownat(to, name.c_str(), info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
    return errno_error("owner of " + name);
  // After the owner: that clears set-id bits and capabilities.
  if (!S_ISLNK(info.st_mode) && ::fchmodat(to, name.c_str(), info.st_mode & 07777, 0) < 0)
    return errno_error("mode of " + name);
  for (const auto& [key, value] : TRY(layer::read_xattrs(from, name)))
    TRY(layer::set_xattr(to, name, key, value));
  return layer::set_times(to, name, layer::mtime_of(info));
}

}  // namespace

Result<void> copy_tree(int from, int to) {
  std::vector<std::string> directories{""};  // grows; parents before their children
  for (std::size_t next = 0; next < directories.size(); ++next) {
    const std::string path = directories[next];
    const UniqueFd source = TRY(layer::open_directory(from, path));
    const UniqueFd target = TRY(layer::open_directory(to, path));
    for (const std::string& name : TRY(layer::list_directory(source.get()))) {
      const auto info = TRY(layer::stat_at(source.get(), name));
      if (!info || !TRY(make_copy(source.get(), target.get(), name, *info))) continue;
      if (S_ISDIR(info->st_mode))
        directories.push_back(layer::join_path(path, name));
      else
        TRY(copy_metadata(source.get(), target.get(), name, *info));
    }
  }
  // Children first: making them changed the times, and a mode may close a directory.
  for (std::size_t at = directories.size(); at-- > 1;) {
    const std::string parent(layer::parent_of(directories[at]));
    const std::string name(layer::name_of(directories[at]));
    const UniqueFd source = TRY(layer::open_directory(from, parent));
    const UniqueFd target = TRY(layer::open_directory(to, parent));
    if (const auto info = TRY(layer::stat_at(source.get(), name)))
      TRY(copy_metadata(source.get(), target.get(), name, *info));
  }
  return {};
}

}  // namespace imagebuild::sandbox
