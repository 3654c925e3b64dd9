#include "builder/layer/node.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

namespace imagebuild::layer {

namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

EntryType type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return EntryType::Directory;
    case S_IFLNK:
      return EntryType::Symlink;
    case S_IFCHR:
      return EntryType::CharDevice;
    case S_IFBLK:
      return EntryType::BlockDevice;
    case S_IFIFO:
      return EntryType::Fifo;
    default:
      return EntryType::Regular;
  }
}

// A parent that is missing, a file or a symlink: there is nothing at that clean path.
bool is_nothing(const Error& error) {
  return error.kind == ErrorKind::NotFound || error.kind == ErrorKind::InvalidInput;
}

}  // namespace

Result<UniqueFd> open_beneath(int root_fd, const std::string& path, int flags) {
  struct open_how how = {};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const char* name = path.empty() ? "." : path.c_str();
  for (;;) {
    long fd = ::syscall(SYS_openat2, root_fd, name, &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    // EAGAIN: somebody renamed on the way, the kernel could not be sure.
    if (errno != EAGAIN && errno != EINTR) return errno_error(path.empty() ? "/" : path);
  }
}

Result<UniqueFd> open_directory(int root_fd, const std::string& path) {
  return open_beneath(root_fd, path, O_RDONLY | O_DIRECTORY);
}

Result<std::optional<struct stat>> stat_at(int parent_fd, const std::string& name) {
  struct stat info;
  if (::fstatat(parent_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
    return std::optional(info);
  if (errno == ENOENT || errno == ENOTDIR) return std::optional<struct stat>();
  return errno_error(name);
}

Result<std::optional<struct stat>> stat_beneath(int root_fd, const std::string& path) {
  if (path.empty()) return stat_at(root_fd, ".");
  auto parent = open_beneath(root_fd, std::string(parent_of(path)), O_PATH | O_DIRECTORY);
  if (!parent) {
    if (is_nothing(parent.error())) return std::optional<struct stat>();
    return std::move(parent).error();
  }
  return stat_at(parent->get(), std::string(name_of(path)));
}

Result<std::string> read_link_at(int parent_fd, const std::string& name) {
  std::array<char, 4096> target;
  ssize_t n = ::readlinkat(parent_fd, name.c_str(), target.data(), target.size());
  if (n < 0) return errno_error(name + ": read link");
  return std::string(target.data(), static_cast<std::size_t>(n));
}

Result<Node> node_beneath(int root_fd, const std::string& path) {
  if (path.empty()) return Node{NodeKind::Directory, ""};
  auto parent = open_beneath(root_fd, std::string(parent_of(path)), O_PATH | O_DIRECTORY);
  if (!parent) {
    if (is_nothing(parent.error())) return Node{};
    return std::move(parent).error();
  }
  const std::string name(name_of(path));
  auto info = TRY(stat_at(parent->get(), name));
  if (!info || is_whiteout(*info)) return Node{};
  if (S_ISDIR(info->st_mode)) return Node{NodeKind::Directory, ""};
  if (S_ISLNK(info->st_mode))
    return Node{NodeKind::Symlink, TRY(read_link_at(parent->get(), name))};
  return Node{NodeKind::Other, ""};
}

bool is_whiteout(const struct stat& info) { return S_ISCHR(info.st_mode) && info.st_rdev == 0; }

Result<void> make_whiteout(int parent_fd, const std::string& name) {
  if (::mknodat(parent_fd, name.c_str(), S_IFCHR, makedev(0, 0)) == 0) return {};
  return errno_error(name + ": make whiteout");
}

Result<std::vector<std::string>> list_directory(int directory_fd) {
  auto fd = TRY(open_directory(directory_fd, ""));
  std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(fd.get()));
  if (!directory) return errno_error("list directory");
  static_cast<void>(fd.release());
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return errno_error("list directory");
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> remove_tree(int parent_fd, const std::string& name) {
  if (::unlinkat(parent_fd, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return errno_error(name + ": remove");
  {
    auto directory = TRY_CONTEXT(open_directory(parent_fd, name), "remove");
    for (const auto& child : TRY(list_directory(directory.get())))
      TRY_CONTEXT(remove_tree(directory.get(), child), name);
  }
  if (::unlinkat(parent_fd, name.c_str(), AT_REMOVEDIR) == 0) return {};
  return errno_error(name + ": remove directory");
}

Timestamp mtime_of(const struct stat& info) {
  return {info.st_mtim.tv_sec, static_cast<std::uint32_t>(info.st_mtim.tv_nsec)};
}

Result<std::optional<TarEntry>> entry_of(int parent_fd, const std::string& name,
                                         const struct stat& info, std::string path) {
  if (S_ISSOCK(info.st_mode)) return std::optional<TarEntry>();
  TarEntry entry;
  entry.path = std::move(path);
  entry.type = type_of(info.st_mode);
  entry.mode = info.st_mode & 07777;
  entry.uid = info.st_uid;
  entry.gid = info.st_gid;
  entry.mtime = mtime_of(info);
  if (entry.type == EntryType::Regular) entry.size = static_cast<std::uint64_t>(info.st_size);
  if (entry.type == EntryType::Symlink)
    entry.link_target = TRY_CONTEXT(read_link_at(parent_fd, name), entry.path);
  if (entry.type == EntryType::CharDevice || entry.type == EntryType::BlockDevice) {
    entry.device_major = major(info.st_rdev);
    entry.device_minor = minor(info.st_rdev);
  }
  entry.xattrs = TRY_CONTEXT(read_xattrs(parent_fd, name), entry.path);
  return std::optional(std::move(entry));
}

Result<void> write_content(int parent_fd, const std::string& name, const TarEntry& entry,
                           TarWriter& tar, Sha256* hash) {
  // O_NONBLOCK: should the name have become a FIFO meanwhile, open must not wait for a writer.
  auto fd = TRY_CONTEXT(open_beneath(parent_fd, name, O_RDONLY | O_NONBLOCK), entry.path);
  std::array<char, 128 << 10> buffer;
  for (std::uint64_t left = entry.size; left > 0;) {
    std::size_t want = std::min<std::uint64_t>(left, buffer.size());
    std::size_t n = TRY_CONTEXT(read_some(fd.get(), std::span(buffer).first(want)), entry.path);
    if (n == 0)
      return fail(ErrorKind::Transient, entry.path + ": file became shorter while it was read");
    if (hash != nullptr) hash->update({buffer.data(), n});
    TRY(tar.write({buffer.data(), n}));
    left -= n;
  }
  return {};
}

Result<void> set_times(int parent_fd, const std::string& name, Timestamp mtime) {
  struct timespec time = {mtime.seconds, static_cast<long>(mtime.nanoseconds)};
  struct timespec times[2] = {time, time};
  if (::utimensat(parent_fd, name.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0) return {};
  return errno_error(name + ": set times");
}

KeepTimes::KeepTimes(int directory_fd) : fd_(directory_fd) {
  struct stat info;
  valid_ = ::fstatat(fd_, ".", &info, 0) == 0;
  if (valid_) {
    times_[0] = info.st_atim;
    times_[1] = info.st_mtim;
  }
}

KeepTimes::~KeepTimes() {
  if (valid_) ::utimensat(fd_, ".", times_, 0);
}

}  // namespace imagebuild::layer
