#include "builder/sandbox/probe.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "builder/sandbox/child.h"
#include "builder/sandbox/overlay.h"
#include "builder/sandbox/run.h"
#include "builder/sandbox/tree_path.h"
#include "common/base/unique_fd.h"

namespace imagebuild::sandbox {
namespace {

constexpr LayerId lower{1};
constexpr LayerId upper{2};

Result<void> make(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) < 0) return errno_error(path);
  return {};
}

Result<void> make_layers() {
  for (const std::string& path : {layer_path(lower), layer_path(upper), work_path(upper)})
    TRY(make(path));
  TRY(make(layer_path(lower) + "/d"));
  TRY(open_file(layer_path(lower) + "/d/f", O_WRONLY | O_CREAT));
  return {};
}

Result<void> change_owner() {
  if (::chown((layer_path(lower) + "/d/f").c_str(), 33, 33) < 0) return errno_error("33:33");
  return {};
}

Result<void> mount_writable() {
  return mount_overlay({.lowers = {lower}, .scaffold = {}, .upper = upper}, merged_path);
}

/// Without userxattr support this is where overlay fails: EIO on the removal of a lower directory.
Result<void> replace_lower_directory() {
  const std::string directory = std::string(merged_path) + "/d";
  TRY(remove_tree(AT_FDCWD, directory));
  TRY(make(directory));
  if (::access((directory + "/f").c_str(), F_OK) == 0)
    return fail(ErrorKind::Internal, "the removed file is back");
  return {};
}

Result<void> unmount() {
  if (::umount2(merged_path, 0) < 0) return errno_error(merged_path);
  return {};
}

/// A proc of a new pid namespace, mounted by that namespace's first process.
Result<bool> fresh_proc_works() {
  Child first(TRY(fork_into(CLONE_NEWPID | CLONE_NEWNS)));
  if (!first)
    ::_exit(::mount("proc", merged_path, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0
                ? 0
                : 1);
  return first.wait() == 0;
}

}  // namespace

Result<Json> probe_store() {
  struct Step {
    const char* name;
    Result<void> (*act)();
  };
  static constexpr Step steps[] = {
      {"write to the store", make_layers}, {"change an owner", change_owner},
      {"mount overlay", mount_writable},   {"replace a lower directory", replace_lower_directory},
      {"unmount overlay", unmount},
  };
  for (const Step& step : steps) TRY_CONTEXT(step.act(), step.name);
  const bool fresh = TRY(fresh_proc_works());
  return Json{{"proc", fresh ? "fresh" : "bound"}};
}

}  // namespace imagebuild::sandbox
