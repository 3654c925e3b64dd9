#include "builder/sandbox/worker_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "builder/sandbox/protocol.h"

namespace imagebuild::sandbox {
namespace {

constexpr const char* inner_name = "/inner";

/// Out of the way of the numbers that the worker expects.
Result<UniqueFd> high_duplicate(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 16));
  if (!copy) return errno_error("duplicate a descriptor");
  return copy;
}

Result<Child> spawn(const std::string& executable, int control, int folder) {
  const UniqueFd control_copy = TRY(high_duplicate(control));
  const UniqueFd folder_copy = TRY(high_duplicate(folder));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, control_copy.get(), worker_control_fd);
  posix_spawn_file_actions_adddup2(&actions, folder_copy.get(), worker_folder_fd);
  std::string name = "tree-worker";
  std::string program = executable;
  char* argv[] = {program.data(), name.data(), nullptr};
  char* no_environment[] = {nullptr};  // the builder's holds credentials
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, executable.c_str(), &actions, nullptr, argv, no_environment);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return errno_error("start " + executable, error);
  return Child(pid);
}

/// The worker's next state, or the error it reports.
Result<void> expect(int control, const char* state) {
  const auto message = TRY(receive_message(control));
  if (!message) return fail(ErrorKind::Internal, std::string("ended before it was ") + state);
  if (const Json* error = find_path(*message, {"error"})) return error_from_json(*error);
  if (string_at(*message, {"state"}) != state)
    return fail(ErrorKind::Internal, std::string("is not ") + state);
  return {};
}

}  // namespace

Result<WorkerFolder> WorkerFolder::make(const std::string& store_dir) {
  std::error_code code;
  std::filesystem::create_directories(store_dir, code);
  if (code) return errno_error("make " + store_dir, code.value());
  std::string path = store_dir + "/tree-XXXXXX";
  if (!::mkdtemp(path.data())) return errno_error("make a directory in " + store_dir);  // 0700
  WorkerFolder folder(std::move(path), {});
  const std::string inner = folder.path_ + inner_name;
  if (::mkdir(inner.c_str(), 0700) < 0) return errno_error("make " + inner);
  if (::chmod(inner.c_str(), 0777) < 0) return errno_error("open up " + inner);
  folder.inner_ = TRY(open_file(inner, O_RDONLY | O_DIRECTORY));
  return folder;
}

WorkerFolder::WorkerFolder(WorkerFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), inner_(std::move(other.inner_)) {}

WorkerFolder::~WorkerFolder() {
  if (path_.empty()) return;
  ::rmdir((path_ + inner_name).c_str());  // the worker has removed what is below
  ::rmdir(path_.c_str());
}

Result<std::string> make_caches_folder(const std::string& cache_dir, const IdPlan& plan) {
  std::error_code code;
  const auto parent = std::filesystem::absolute(cache_dir, code) / "run-mounts";
  if (!code) std::filesystem::create_directories(parent, code);
  if (code) return errno_error("make " + parent.string(), code.value());
  if (::chmod(parent.c_str(), 0700) < 0) return errno_error("close " + parent.string());
  const std::string first = plan.uids.empty() ? "0" : std::to_string(plan.uids.front().outside);
  const std::string folder = (parent / ("ids-" + first)).string();
  if (::mkdir(folder.c_str(), 0700) < 0 && errno != EEXIST) return errno_error("make " + folder);
  if (::chmod(folder.c_str(), 0777) < 0) return errno_error("open up " + folder);
  return folder;
}

Result<WorkerProcess> start_worker(const std::string& executable, const WorkerFolder& folder,
                                   const IdPlan& plan, const std::string& caches) {
  auto sockets = TRY(make_socket_pair());
  WorkerProcess worker;
  worker.process = TRY(spawn(executable, sockets.theirs.get(), folder.inner()));
  sockets.theirs.reset();
  worker.control = std::move(sockets.ours);
  const int control = worker.control.get();
  TRY(expect(control, "unshared"));
  TRY_CONTEXT(write_id_maps(worker.process.pid(), plan), "map ids");
  TRY(send_message(control, {{"state", "mapped"}, {"caches", caches}}));
  TRY(expect(control, "ready"));
  return worker;
}

}  // namespace imagebuild::sandbox
