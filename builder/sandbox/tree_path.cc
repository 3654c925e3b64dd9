#include "builder/sandbox/tree_path.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>
#include <vector>

namespace imagebuild::sandbox {
namespace {

constexpr int max_links = 40;  // as the kernel

void push_components(std::deque<std::string>& pending, std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
  }
  pending.insert(pending.begin(), parts.begin(), parts.end());
}

std::string join(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& part : parts) path += "/" + part;
  return path.empty() ? "/" : path;
}

PathType type_of(mode_t mode) {
  if (S_ISREG(mode)) return PathType::Regular;
  if (S_ISDIR(mode)) return PathType::Directory;
  if (S_ISLNK(mode)) return PathType::Symlink;
  return PathType::Other;
}

/// One walk: `done` is what is resolved so far and holds no symlink.
class Walk {
 public:
  Walk(int root, std::string_view path, LastLink last) : root_(root), last_(last) {
    push_components(pending_, path);
  }

  Result<PathInfo> run() {
    while (!pending_.empty()) {
      const std::string part = std::move(pending_.front());
      pending_.pop_front();
      TRY(part == ".." ? up() : down(part));
    }
    return finish();
  }

 private:
  Result<void> up() {
    if (!missing_.empty()) missing_.pop_back();
    if (!done_.empty()) done_.pop_back();
    return {};
  }

  Result<void> down(const std::string& part) {
    if (part.size() > NAME_MAX) return errno_error(part.substr(0, 60) + "…", ENAMETOOLONG);
    done_.push_back(part);
    const std::string path = join(done_);
    if (!missing_.empty()) {
      missing_.push_back(path);
      return {};
    }
    auto fd = open_below(root_, path, O_PATH);
    if (!fd && fd.error().kind == ErrorKind::NotFound) {
      missing_.push_back(path);
      return {};
    }
    TRY_CONTEXT(describe(fd), path);
    const bool keep = pending_.empty() && last_ == LastLink::Keep;
    if (S_ISLNK(stat_.st_mode) && !keep) return follow(*fd, path);
    if (!S_ISDIR(stat_.st_mode) && !pending_.empty()) {
      return fail(ErrorKind::InvalidInput, path + ": not a directory");
    }
    return {};
  }

  Result<void> describe(const Result<UniqueFd>& fd) {
    if (!fd) return fd.error();
    if (::fstat(fd->get(), &stat_) < 0) return errno_error("stat");
    return {};
  }

  Result<void> follow(const UniqueFd& link, const std::string& path) {
    if (++links_ > max_links)
      return fail(ErrorKind::InvalidInput, path + ": too many levels of symbolic links");
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(link.get(), "", target.data(), target.size());
    if (size < 0) return errno_error("read link " + path);
    done_.pop_back();
    if (size > 0 && target[0] == '/') done_.clear();
    push_components(pending_, {target.data(), static_cast<std::size_t>(size)});
    return {};
  }

  Result<PathInfo> finish() {
    PathInfo info;
    info.path = join(done_);
    info.missing = std::move(missing_);
    if (!info.missing.empty()) return info;
    auto fd = open_below(root_, info.path, O_PATH);  // `..` may have left stat_ stale
    TRY_CONTEXT(describe(fd), info.path);
    info.type = type_of(stat_.st_mode);
    info.mode = stat_.st_mode & 07777;
    info.uid = stat_.st_uid;
    info.gid = stat_.st_gid;
    info.size = static_cast<std::uint64_t>(stat_.st_size);
    return info;
  }

  int root_;
  LastLink last_;
  std::deque<std::string> pending_;
  std::vector<std::string> done_;
  std::vector<std::string> missing_;
  struct stat stat_ {};
  int links_ = 0;
};

struct Directory {
  DIR* stream = nullptr;
  explicit Directory(DIR* opened) : stream(opened) {}
  Directory(const Directory&) = delete;
  ~Directory() {
    if (stream) ::closedir(stream);
  }
};

/// Empties the directory `name` in `top`; what cannot be removed at once
/// is moved into `top` and queued.
Result<void> empty_directory(int top, const std::string& name, const std::string& aside,
                             std::deque<std::string>& queue, std::uint64_t& counter) {
  UniqueFd opened(::openat(top, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!opened) return errno_error("open " + name);
  const int fd = opened.get();
  Directory directory(::fdopendir(opened.release()));
  if (!directory.stream) return errno_error("read " + name);
  while (const dirent* entry = ::readdir(directory.stream)) {
    const char* child = entry->d_name;
    if (std::strcmp(child, ".") == 0 || std::strcmp(child, "..") == 0) continue;
    if (::unlinkat(fd, child, 0) == 0) continue;
    if (errno != EISDIR) return errno_error("remove " + name + "/" + child);
    if (::unlinkat(fd, child, AT_REMOVEDIR) == 0) continue;
    if (errno != ENOTEMPTY && errno != EEXIST) return errno_error("remove " + name + "/" + child);
    std::string moved = aside + std::to_string(counter++);
    if (::renameat(fd, child, top, moved.c_str()) < 0)
      return errno_error("move " + name + "/" + child);
    queue.push_back(std::move(moved));
  }
  return {};
}

}  // namespace

Result<UniqueFd> open_below(int root, std::string_view path, int flags) {
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  const std::string relative(path.empty() ? "." : path);
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  if (!(flags & O_PATH)) how.resolve |= RESOLVE_NO_SYMLINKS;
  for (;;) {
    const long fd = ::syscall(SYS_openat2, root, relative.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    if (errno == EINTR || errno == EAGAIN) continue;  // EAGAIN: a rename raced with the look-up
    return errno_error("open /" + relative);
  }
}

Result<PathInfo> resolve_below(int root, std::string_view path, LastLink last) {
  return Walk(root, path, last).run();
}

Result<void> remove_tree(int directory, const std::string& name) {
  if (::unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR) return errno_error("remove " + name);
  // Other processes may be removing other names here: what we move aside carries ours.
  std::string aside = ".gone-" + name + "-";
  std::replace(aside.begin(), aside.end(), '/', '-');
  std::uint64_t counter = 0;
  std::deque<std::string> queue{name};
  while (!queue.empty()) {
    const std::string next = std::move(queue.front());
    queue.pop_front();
    TRY(empty_directory(directory, next, aside, queue, counter));
    if (::unlinkat(directory, next.c_str(), AT_REMOVEDIR) < 0) return errno_error("remove " + next);
  }
  return {};
}

Result<void> copy_directory_metadata(int from, int to) {
  struct stat st {};
  if (::fstat(from, &st) < 0) return errno_error("stat");
  if (::fchown(to, st.st_uid, st.st_gid) < 0) return errno_error("chown");
  if (::fchmod(to, st.st_mode & 07777) < 0)
    return errno_error("chmod");  // after chown, which clears set-id bits
  std::vector<char> names(64 << 10);
  const ssize_t size = ::flistxattr(from, names.data(), names.size());
  for (ssize_t at = 0; at < size; at += static_cast<ssize_t>(std::strlen(&names[at])) + 1) {
    std::vector<char> value(64 << 10);
    const ssize_t length = ::fgetxattr(from, &names[at], value.data(), value.size());
    if (length < 0) continue;
    if (::fsetxattr(to, &names[at], value.data(), static_cast<std::size_t>(length), 0) < 0 &&
        errno != ENOTSUP && errno != EPERM) {
      return errno_error(std::string("set attribute ") + &names[at]);
    }
  }
  const timespec times[2] = {st.st_atim, st.st_mtim};
  if (::futimens(to, times) < 0) return errno_error("set times");
  return {};
}

}  // namespace imagebuild::sandbox
