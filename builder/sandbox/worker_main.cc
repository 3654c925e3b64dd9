// The tree worker's own half: enters the user namespace,
// then hands each request to a child that it forks.
//
// One thread, one loop. A child lives in its own pid and mount namespace, so killing it ends all
// that it started and leaves no mount; it is killed when the builder closes the request's channel.
// When the control socket ends (stop, or the builder is gone) every child is ended, the store is
// removed and the worker exits. PR_SET_PDEATHSIG is not used for that here: it fires when the
// builder's *thread* ends that started us.
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <list>

#include "builder/sandbox/child.h"
#include "builder/sandbox/mount_calls.h"
#include "builder/sandbox/operations.h"
#include "builder/sandbox/overlay.h"
#include "builder/sandbox/protocol.h"
#include "builder/sandbox/run.h"
#include "builder/sandbox/tree_path.h"
#include "builder/sandbox/tree_worker.h"
#include "builder/sandbox/worker_process.h"

namespace imagebuild {
namespace sandbox {
namespace {

struct Handler {
  Child process;
  UniqueFd channel;
};

struct Worker {
  UniqueFd control;
  UniqueFd folder;       ///< the store's parent: ours to make the store in, and the only way to it
  UniqueFd kept_caches;  ///< the builder's directory for caches, when it has one
  UniqueFd signals;
  std::list<Handler> handlers;
};

Result<void> prepare_process(Worker&) {
  ::setsid();  // a terminal's ^C is for the builder, which then stops us
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(022);  // layers' modes are set explicitly; this is for what overlayfs and we make
  if (::syscall(SYS_close_range, static_cast<unsigned>(worker_folder_fd + 1), ~0u, 0u) < 0)
    return errno_error("close_range");
  // A builder that hides itself is not dumpable; the kernel then refuses
  // it our uid_map unless we are.
  if (::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0) return errno_error("dumpable");
  return {};
}

Result<void> enter_namespaces(Worker& worker) {
  // By descriptor: the mapped root has no way through the builder's private directories.
  // Before the mount namespace is copied: that takes the current directory along, and overlay
  // refuses a foreign namespace's.
  if (::fchdir(worker.folder.get()) < 0) return errno_error("enter the folder");
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) return errno_error("unshare");
  TRY(send_message(worker.control.get(), {{"state", "unshared"}}));
  const auto mapped = TRY(receive_message(worker.control.get()));
  if (!mapped) return fail(ErrorKind::Canceled, "the builder is gone");
  // Still with the builder's uid, which may pass through its private directories, and already in
  // our mount namespace: a descriptor from outside could not be mounted here.
  const std::string caches = string_at(*mapped, {"caches"});
  if (!caches.empty()) worker.kept_caches = TRY(open_file(caches, O_PATH | O_DIRECTORY));
  return {};
}

Result<void> become_mapped_root(Worker&) {
  if (::setgroups(0, nullptr) < 0) return errno_error("setgroups");
  if (::setresgid(0, 0, 0) < 0) return errno_error("setgid");
  if (::setresuid(0, 0, 0) < 0) return errno_error("setuid");
  return {};
}

Result<void> hide_mounts(Worker&) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return errno_error("/");
  return {};
}

Result<void> hide_process(Worker&) {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return errno_error("dumpable");
  return {};
}

Result<void> enter_store(Worker& worker) {
  worker.folder = TRY(open_file(".", O_RDONLY | O_DIRECTORY));
  if (::mkdir(worker_caches_name, 0700) < 0) return errno_error("make");
  if (worker.kept_caches && ::mount(by_descriptor(worker.kept_caches).c_str(), worker_caches_name,
                                    nullptr, MS_BIND, nullptr) < 0)
    return errno_error("bind the directory of caches");
  if (::mkdir(worker_store_name, 0700) < 0) return errno_error("make");
  if (::chdir(worker_store_name) < 0) return errno_error("enter");
  return make_store();
}

Result<void> watch_children(Worker& worker) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  worker.signals.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!worker.signals) return errno_error("signalfd");
  return {};
}

Result<void> start_up(Worker& worker) {
  struct Step {
    const char* name;
    Result<void> (*act)(Worker&);
  };
  static constexpr Step steps[] = {
      {"prepare the process", prepare_process},  {"new user namespace", enter_namespaces},
      {"become root of it", become_mapped_root}, {"make mounts private", hide_mounts},
      {"hide the process", hide_process},        {"enter the store", enter_store},
      {"watch children", watch_children},
  };
  for (const Step& step : steps) TRY_CONTEXT(step.act(worker), step.name);
  return {};
}

/// In the handler's process: one request, one answer.
[[noreturn]] void handle(std::vector<UniqueFd> descriptors) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  const UniqueFd channel = std::move(descriptors.front());
  descriptors.erase(descriptors.begin());
  Result<Json> result = fail(ErrorKind::Internal, "no request");
  try {
    auto request = receive_message(channel.get());
    if (!request)
      result = request.error();
    else if (*request)
      result = perform(**request, std::move(descriptors));
  } catch (const std::exception& e) {
    result = fail(ErrorKind::Internal, e.what());
  }
  ::_exit(send_message(channel.get(), answer_to_json(result)) ? 0 : 1);
}

/// Keeps only `kept` (and the standard streams): a handler must not hold
/// another request's pipes open.
std::vector<UniqueFd> keep_only(std::vector<UniqueFd> kept) {
  std::vector<UniqueFd> low;
  int next = STDERR_FILENO + 1;
  for (UniqueFd& fd : kept)
    fd.reset(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 64));  // out of the way of the low numbers
  for (UniqueFd& fd : kept) {
    ::dup3(fd.get(), next, O_CLOEXEC);
    low.emplace_back(next++);
  }
  for (UniqueFd& fd : kept) static_cast<void>(fd.release());
  ::syscall(SYS_close_range, static_cast<unsigned>(next), ~0u, 0u);
  return low;
}

void answer_for(const Handler& handler, const Error& error) {
  const Result<Json> result = error;
  if (!send_message(handler.channel.get(), answer_to_json(result)))
    return;  // the builder has hung up: nobody asks
}

void start_handler(Worker& worker, std::vector<UniqueFd> descriptors) {
  if (descriptors.empty()) return;
  Handler handler;
  auto watched = duplicate(descriptors.front().get());
  if (!watched) return;  // closing the channel is the answer
  handler.channel = *std::move(watched);
  const auto pid = fork_into(CLONE_NEWNS | CLONE_NEWPID);
  if (pid && *pid == 0) {
    for (Handler& other : worker.handlers) other.process.forget();
    handle(keep_only(std::move(descriptors)));
  }
  if (!pid) {
    answer_for(handler, pid.error());
    return;
  }
  handler.process = Child(*pid);
  worker.handlers.push_back(std::move(handler));
}

void reap(Worker& worker) {
  signalfd_siginfo info;
  while (::read(worker.signals.get(), &info, sizeof info) > 0) {
  }
  for (auto handler = worker.handlers.begin(); handler != worker.handlers.end();) {
    const auto status = handler->process.try_wait();
    if (!status) {
      ++handler;
      continue;
    }
    if (WIFSIGNALED(*status)) {
      answer_for(*handler, {ErrorKind::Internal,
                            std::string("the tree worker's child was ended by signal ") +
                                std::to_string(WTERMSIG(*status)) +
                                (WTERMSIG(*status) == SIGKILL ? " (out of memory?)" : "")});
    }
    handler = worker.handlers.erase(handler);
  }
}

/// Serves until the control socket ends.
Result<void> serve(Worker& worker) {
  for (;;) {
    std::vector<pollfd> polled{{worker.control.get(), POLLIN, 0},
                               {worker.signals.get(), POLLIN, 0}};
    for (const Handler& handler : worker.handlers)
      polled.push_back({handler.channel.get(), POLLRDHUP, 0});
    if (::poll(polled.data(), polled.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return errno_error("poll");
    }
    std::size_t index = 2;
    for (const Handler& handler : worker.handlers) {
      if (polled[index++].revents & (POLLRDHUP | POLLHUP | POLLERR)) handler.process.kill();
    }
    if (polled[1].revents) reap(worker);
    if (!polled[0].revents) continue;
    auto descriptors = TRY(receive_descriptors(worker.control.get()));
    if (!descriptors) return {};
    start_handler(worker, *std::move(descriptors));
  }
}

Result<void> remove_empty(const char* directory) {
  if (::rmdir(directory) < 0 && errno != ENOENT) return errno_error("remove the mount point");
  return {};
}

Result<void> shut_down(Worker& worker) {
  worker.handlers.clear();  // each is killed and reaped, and with it its pid namespace
  if (::fchdir(worker.folder.get()) < 0) return errno_error("leave the store");
  // What is mounted there is the user's: unmounted, or nothing is removed.
  if (worker.kept_caches && ::umount2(worker_caches_name, MNT_DETACH) < 0 && errno != EINVAL &&
      errno != ENOENT)
    return errno_error("unmount the directory of caches");
  TRY(worker.kept_caches ? remove_empty(worker_caches_name)
                         : remove_tree(worker.folder.get(), worker_caches_name));
  return remove_tree(worker.folder.get(), worker_store_name);
}

int work(Worker& worker) {
  auto started = start_up(worker);
  if (!started) {
    // First: the builder kills us when it has read the error.
    static_cast<void>(shut_down(worker).ok());
    static_cast<void>(
        send_message(worker.control.get(), {{"error", error_to_json(started.error())}}).ok());
    return 1;
  }
  if (!send_message(worker.control.get(), {{"state", "ready"}})) return 1;
  auto served = serve(worker);
  auto ended = shut_down(worker);
  const Result<Json> last = !served  ? Result<Json>(served.error())
                            : !ended ? Result<Json>(ended.error())
                                     : Json();
  return send_message(worker.control.get(), answer_to_json(last)) && last ? 0 : 1;
}

}  // namespace
}  // namespace sandbox

int tree_worker_main(int argc, char**) {
  using namespace sandbox;
  struct stat st {};
  const bool started_by_builder = argc == 2 && ::fstat(worker_control_fd, &st) == 0 &&
                                  S_ISSOCK(st.st_mode) && ::fstat(worker_folder_fd, &st) == 0 &&
                                  S_ISDIR(st.st_mode);
  if (!started_by_builder) {
    constexpr std::string_view message = "tree-worker is started by the builder, not by hand\n";
    static_cast<void>(write_all(STDERR_FILENO, message).ok());
    return 2;
  }
  Worker worker{UniqueFd(worker_control_fd), UniqueFd(worker_folder_fd), {}, {}, {}};
  return work(worker);
}

}  // namespace imagebuild
