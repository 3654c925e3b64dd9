#include "builder/work_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace imagebuild {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "imagebuild.";
constexpr const char* kLock = "lock";
constexpr std::string_view kMark = "work of imagebuild-builder\n";

std::string parent_directory(const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  const char* temporary = std::getenv("TMPDIR");
  return temporary != nullptr && *temporary != '\0' ? temporary : "/var/tmp";
}

// Somebody else's directory of that name is not even opened.
bool is_abandoned(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::geteuid())
    return false;
  // What only looks like ours is not touched: a pipe does not make us wait, a file must say what it
  // is.
  auto lock = open_file(path / kLock, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!lock || ::fstat(lock->get(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  auto text = read_all(lock->get(), kMark.size());
  return text && *text == kMark && ::flock(lock->get(), LOCK_EX | LOCK_NB) == 0;
}

// The lock gets its name when it is held: another builder never sees one that is free.
Result<UniqueFd> lock_directory(const std::string& path) {
  // The worker's uid must be able to walk through to its store; nothing can be listed.
  if (::chmod(path.c_str(), 0711) != 0) return errno_error(path);
  const std::string name = path + "/" + kLock, unnamed = name + ".new";
  auto lock = TRY(open_file(unnamed, O_RDWR | O_CREAT | O_EXCL, 0600));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return errno_error("lock " + path);
  TRY(write_all(lock.get(), kMark));
  if (::rename(unnamed.c_str(), name.c_str()) != 0) return errno_error("name the lock of " + path);
  return lock;
}

}  // namespace

void remove_abandoned_work(const std::string& parent) {
  std::error_code ignored;
  for (fs::directory_iterator at(parent, ignored), end; at != end; at.increment(ignored)) {
    if (ignored) return;
    if (at->path().filename().string().starts_with(kPrefix) && is_abandoned(at->path()))
      fs::remove_all(at->path(), ignored);
  }
}

Result<WorkDirectory> WorkDirectory::make(const std::string& wanted) {
  const std::string parent = parent_directory(wanted);
  remove_abandoned_work(parent);
  std::string path = parent + "/" + kPrefix + "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return errno_error("make a work directory in " + parent);
  auto lock = lock_directory(path);
  if (lock) return WorkDirectory(path, *std::move(lock));
  std::error_code ignored;
  fs::remove_all(path, ignored);
  return std::move(lock).error();
}

WorkDirectory::~WorkDirectory() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace imagebuild
