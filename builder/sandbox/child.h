// Child owns one child process: when it goes out of scope the process is killed and reaped.
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <cerrno>
#include <optional>
#include <utility>

namespace imagebuild::sandbox {

class Child {
 public:
  Child() = default;
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&& other) noexcept {
    if (this != &other) {
      end();
      pid_ = std::exchange(other.pid_, -1);
    }
    return *this;
  }
  ~Child() { end(); }

  pid_t pid() const { return pid_; }
  explicit operator bool() const { return pid_ > 0; }
  void kill() const {
    if (pid_ > 0) ::kill(pid_, SIGKILL);  // not reaped yet, so the number is still this process
  }

  /// Gives the process up without ending it: in a fork, it is another process's child.
  void forget() { pid_ = -1; }

  /// Waits for the end; the status of waitpid(2). -1 when there is no child (any more).
  int wait() {
    int status = -1;
    while (pid_ > 0 && ::waitpid(pid_, &status, 0) < 0) {
      if (errno != EINTR) break;
    }
    pid_ = -1;
    return status;
  }

  /// The status if it has ended.
  std::optional<int> try_wait() {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = -1;
    return status;
  }

 private:
  void end() {
    kill();
    wait();
  }

  pid_t pid_ = -1;
};

}  // namespace imagebuild::sandbox
