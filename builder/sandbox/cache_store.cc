#include "builder/sandbox/cache_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "builder/sandbox/tree_path.h"

namespace imagebuild::sandbox {
namespace {

/// Empty: somebody else has it and `flags` say not to wait.
Result<UniqueFd> lock_file(const std::string& path, int flags) {
  UniqueFd file = TRY(open_file(path, O_RDWR | O_CREAT, 0600));
  while (::flock(file.get(), flags) < 0) {
    if (errno == EWOULDBLOCK) return UniqueFd();
    if (errno != EINTR) return errno_error("lock " + path);
  }
  return file;
}

Result<OpenCache> lock_instance(const std::string& folder, RunMount::Sharing sharing) {
  if (sharing != RunMount::Sharing::Private) {
    const int flags = sharing == RunMount::Sharing::Locked ? LOCK_EX : LOCK_SH;
    return OpenCache{folder + "/0", TRY(lock_file(folder + "/0.lock", flags))};
  }
  for (int number = 0;; ++number) {
    const std::string path = folder + "/" + std::to_string(number);
    UniqueFd lock = TRY(lock_file(path + ".lock", LOCK_EX | LOCK_NB));
    if (lock) return OpenCache{path, std::move(lock)};
  }
}

Result<void> make_content(const std::string& path, const RunMount& mount, const CacheFill& fill) {
  const std::string unfinished = path + ".new";
  TRY(remove_tree(AT_FDCWD, unfinished));  // of a builder that was killed
  if (::mkdir(unfinished.c_str(), 0700) < 0) return errno_error("make " + unfinished);
  const UniqueFd directory = TRY(open_file(unfinished, O_RDONLY | O_DIRECTORY));
  TRY(fill(directory.get()));
  if (::fchown(directory.get(), mount.uid, mount.gid) < 0) {
    Error error = errno_error("owner " + std::to_string(mount.uid) + ":" +
                              std::to_string(mount.gid) + " of the cache");
    error.kind = ErrorKind::InvalidInput;  // an id that the build does not have
    return error;
  }
  if (::fchmod(directory.get(), mount.mode & 07777) < 0) return errno_error("mode of the cache");
  if (std::rename(unfinished.c_str(), path.c_str()) < 0) return errno_error("make " + path);
  return {};
}

}  // namespace

Result<OpenCache> open_cache(const std::string& root, const RunMount& mount,
                             const CacheFill& fill) {
  const std::string folder = root + "/" + mount.cache_key;
  if (::mkdir(folder.c_str(), 0700) < 0 && errno != EEXIST) return errno_error("make " + folder);
  OpenCache cache = TRY(lock_instance(folder, mount.sharing));
  // Those who share an instance may be its first users together.
  const UniqueFd making = TRY(lock_file(folder + "/make.lock", LOCK_EX));
  struct stat st {};
  if (::lstat(cache.path.c_str(), &st) == 0) return cache;
  if (errno != ENOENT) return errno_error("cache " + cache.path);
  TRY(make_content(cache.path, mount, fill));
  return cache;
}

}  // namespace imagebuild::sandbox
