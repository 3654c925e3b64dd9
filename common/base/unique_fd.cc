#include "common/base/unique_fd.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>

namespace imagebuild {

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return errno_error("pipe");
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Result<UniqueFd> open_file(const std::string& path, int flags, unsigned mode) {
  int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return errno_error(path);
  return UniqueFd(fd);
}

Result<UniqueFd> duplicate(int fd) {
  int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return errno_error("duplicate descriptor");
  return UniqueFd(copy);
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno_error("write");
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::size_t> read_some(int fd, std::span<char> buffer) {
  for (;;) {
    ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return errno_error("read");
  }
}

Result<std::string> read_all(int fd, std::size_t limit) {
  std::string bytes;
  std::array<char, 65536> buffer;
  for (;;) {
    std::size_t n = TRY(read_some(fd, buffer));
    if (n == 0) return bytes;
    if (bytes.size() + n > limit)
      return fail(ErrorKind::InvalidInput, "more than " + std::to_string(limit) + " bytes");
    bytes.append(buffer.data(), n);
  }
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  auto fd = TRY(open_file(path, O_RDONLY));
  return read_all(fd.get(), limit).context(path);
}

Result<void> write_file_atomically(const std::string& path, std::string_view bytes, unsigned mode) {
  static std::atomic<unsigned> counter{0};
  std::string temporary =
      path + ".tmp." + std::to_string(::getpid()) + "." + std::to_string(counter++);
  auto fd = TRY(open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, mode));
  auto written = write_all(fd.get(), bytes);
  if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) {
    auto error = written ? errno_error("rename") : std::move(written).error();
    ::unlink(temporary.c_str());
    return std::move(error).context(path);
  }
  return {};
}

}  // namespace imagebuild
