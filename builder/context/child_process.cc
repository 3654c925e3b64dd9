// fork, exec, poll, reap. See child_process.h.
#include "builder/context/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/unique_fd.h"

namespace imagebuild::context {

namespace {

constexpr std::size_t kMaxOutput = 1u << 20;

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& string : strings) out.push_back(const_cast<char*>(string.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Kills the process group and reaps the child when it was not waited for.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    kill_group();
    wait();
  }
  void kill_group() const {
    // The group exists once the child ran setpgid; until then only the child itself does.
    if (::kill(-pid_, SIGKILL) != 0) ::kill(pid_, SIGKILL);
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  pid_t pid_;
};

/// Between fork and exec: only calls that are safe with other threads around.
[[noreturn]] void become(const std::vector<char*>& argv, const std::vector<char*>& environment,
                         const char* directory, int null, int out, int err, int failure) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::umask(022);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  bool ready = ::dup2(null, 0) == 0 && ::dup2(out, 1) == 1 && ::dup2(err, 2) == 2 &&
               (directory == nullptr || ::chdir(directory) == 0);
  if (ready) ::execvpe(argv[0], argv.data(), environment.data());
  int number = errno;
  [[maybe_unused]] ssize_t written = ::write(failure, &number, sizeof number);
  ::_exit(127);
}

void append_bounded(std::string& text, std::string_view bytes) {
  text.append(bytes.substr(0, kMaxOutput - std::min(kMaxOutput, text.size())));
}

}  // namespace

Result<Finished> run_command(const Command& command, std::stop_token stop) {
  const std::string& program = command.argv.at(0);
  Pipe out = TRY(make_pipe());
  Pipe err = TRY(make_pipe());
  Pipe failure = TRY(make_pipe());
  Pipe wake = TRY(make_pipe());
  UniqueFd null = TRY(open_file("/dev/null", O_RDWR));
  std::vector<char*> argv = pointers(command.argv);
  std::vector<char*> environment = pointers(command.environment);
  pid_t pid = ::fork();
  if (pid < 0) return errno_error("start " + program);
  if (pid == 0) {
    become(argv, environment, command.directory.empty() ? nullptr : command.directory.c_str(),
           null.get(), out.write.get(), err.write.get(), failure.write.get());
  }
  Child child(pid);
  out.write.reset();
  err.write.reset();
  failure.write.reset();
  int number = 0;
  std::string report = TRY(read_all(failure.read.get(), sizeof number));
  if (report.size() == sizeof number) {
    report.copy(reinterpret_cast<char*>(&number), sizeof number);
    if (number == ENOENT)
      return fail(ErrorKind::NotFound,
                  "start " + program + ": there is no such program (is it installed?)");
    return errno_error("start " + program, number);
  }
  std::stop_callback on_stop(
      stop, [&wake] { [[maybe_unused]] ssize_t written = ::write(wake.write.get(), "x", 1); });

  Finished finished;
  const auto deadline = std::chrono::steady_clock::now() + command.timeout;
  UniqueFd* streams[] = {&out.read, &err.read};
  while (out.read || err.read) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0)
      return fail(ErrorKind::Transient,
                  program + " took longer than " + std::to_string(command.timeout.count()) + " s");
    pollfd polled[] = {
        {out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}, {wake.read.get(), POLLIN, 0}};
    if (::poll(polled, 3, static_cast<int>(left.count())) < 0 && errno != EINTR)
      return errno_error("wait for " + program);
    if (stop.stop_requested()) return fail(ErrorKind::Canceled, program + " was stopped");
    for (int i = 0; i < 2; ++i) {
      if (!*streams[i] || (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
      char buffer[16384];
      std::size_t size = TRY(read_some(streams[i]->get(), buffer));
      if (size == 0)
        streams[i]->reset();
      else
        append_bounded(i == 0 ? finished.output : finished.errors, {buffer, size});
    }
  }
  finished.exit_code = child.wait();
  return finished;
}

}  // namespace imagebuild::context
