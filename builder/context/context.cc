// Owning a context's root, and finding the Dockerfile and the ignore file in it. See context.h.
#include "builder/context/context.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "builder/context/parts.h"

namespace imagebuild::context {

namespace {

constexpr std::size_t kMaxDockerfile = 10u << 20;
constexpr std::size_t kMaxIgnoreFile = 1u << 20;

/// Reads a regular file below the root; nullopt when it does not exist.
Result<std::optional<std::string>> find_file(int root, const std::string& path, std::size_t limit) {
  auto fd = open_in_root(root, path, O_RDONLY | O_NONBLOCK);
  if (!fd && fd.error().kind == ErrorKind::NotFound) return std::optional<std::string>();
  if (!fd) return std::move(fd).error();
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) return errno_error("stat " + path);
  if (!S_ISREG(status.st_mode))
    return fail(ErrorKind::InvalidInput, path + " is not a regular file");
  return std::optional<std::string>(TRY_CONTEXT(read_all(fd->get(), limit), "read " + path));
}

/// A Dockerfile outside the context: the person at the command line named it.
Result<DockerfileSource> read_outside(const std::string& path, std::string& ignore_text) {
  if (::access(path.c_str(), F_OK) != 0)
    return fail(ErrorKind::NotFound, "no Dockerfile at " + path);
  DockerfileSource source{path, TRY(read_file(path, kMaxDockerfile))};
  if (::access((path + ".dockerignore").c_str(), F_OK) == 0)
    ignore_text = TRY(read_file(path + ".dockerignore", kMaxIgnoreFile));
  return source;
}

struct FoundDockerfile {
  DockerfileSource dockerfile;
  std::optional<std::string> ignore_text;  // of its own ignore file
};

/// `wanted` as in the sources: empty, below the root, or absolute.
Result<FoundDockerfile> find_dockerfile(int root, const std::string& wanted,
                                        const std::string& shown_as) {
  FoundDockerfile found;
  std::string name = wanted.empty() ? "Dockerfile" : wanted;
  if (name.front() == '/') {
    std::string own_rules;
    found.dockerfile = TRY(read_outside(name, own_rules));
    if (!own_rules.empty()) found.ignore_text = std::move(own_rules);
    return found;
  }
  while (name.substr(0, 2) == "./") name.erase(0, 2);
  TRY_CONTEXT(checked_relative_path(name), "Dockerfile");
  auto text = TRY(find_file(root, name, kMaxDockerfile));
  if (!text && wanted.empty()) {
    text = TRY(find_file(root, "dockerfile", kMaxDockerfile));
    if (text) name = "dockerfile";
  }
  if (!text)
    return fail(ErrorKind::NotFound,
                "no " + name + " in " + shown_as + " (looked for " + shown_as + "/" + name + ")");
  found.ignore_text = TRY(find_file(root, name + ".dockerignore", kMaxIgnoreFile));
  found.dockerfile = {name, std::move(*text)};
  return found;
}

}  // namespace

Result<std::string> checked_relative_path(std::string_view path) {
  const std::string shown = "path \"" + std::string(path) + "\"";
  if (path.empty()) return fail(ErrorKind::InvalidInput, "the path is empty");
  if (path.front() == '/') return fail(ErrorKind::InvalidInput, shown + " must be relative");
  if (path.find('\0') != std::string_view::npos)
    return fail(ErrorKind::InvalidInput, "a path holds a NUL byte");
  if (path.size() > 4000) return fail(ErrorKind::InvalidInput, "a path is longer than 4,000 bytes");
  for (std::size_t start = 0; start <= path.size();) {
    std::size_t end = std::min(path.find('/', start), path.size());
    std::string_view part = path.substr(start, end - start);
    if (part.empty() || part == "." || part == "..") {
      return fail(ErrorKind::InvalidInput,
                  shown + " must not have the component \"" + std::string(part) + "\"");
    }
    if (part.size() > 255)
      return fail(ErrorKind::InvalidInput, shown + " has a component longer than 255 bytes");
    start = end + 1;
  }
  return std::string(path);
}

Result<std::string> make_temporary_directory(const std::string& parent) {
  const char* variable = std::getenv("TMPDIR");
  std::string path = (!parent.empty()                            ? parent
                      : variable != nullptr && *variable != '\0' ? variable
                                                                 : "/tmp") +
                     "/imagebuild-context-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return errno_error("make a temporary directory " + path);
  return path;
}

void remove_directory(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

Result<UniqueFd> open_in_root(int root, std::string_view relative_path, int flags) {
  std::string path(relative_path.empty() ? "." : relative_path);
  struct open_how how {};
  how.flags = static_cast<unsigned>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  for (;;) {
    long fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    // EAGAIN: something was renamed meanwhile and the kernel could not be sure.
    if (errno == EINTR || errno == EAGAIN) continue;
    if (errno == ENOTDIR)
      return fail(ErrorKind::NotFound, "open " + path + ": a component is not a directory");
    return errno_error("open " + path);
  }
}

Context::Context(Context&& other) noexcept { *this = std::move(other); }
Context& Context::operator=(Context&& other) noexcept {
  if (this == &other) return *this;
  if (!temporary_.empty()) remove_directory(temporary_);
  root_ = std::move(other.root_);
  path_ = std::move(other.path_);
  temporary_ = std::exchange(other.temporary_, {});
  ignore_ = std::move(other.ignore_);
  source_ = std::move(other.source_);
  dockerfile_ = std::move(other.dockerfile_);
  return *this;
}

Context::~Context() {
  if (!temporary_.empty()) remove_directory(temporary_);
}

Result<UniqueFd> Context::open(std::string_view relative_path, int flags) const {
  return open_in_root(root_.get(), relative_path, flags);
}

Result<Context> Context::make(Parts parts) {
  Context context;
  context.temporary_ = std::move(parts.temporary);
  context.path_ = std::move(parts.path);
  context.root_ = std::move(parts.root);
  context.source_ = std::move(parts.source);
  std::optional<std::string> ignore_text;
  std::string ignore_name = ".dockerignore";
  if (!parts.files_only) {
    auto found = TRY(find_dockerfile(context.root(), parts.dockerfile, parts.shown_as));
    if (found.ignore_text) ignore_name = found.dockerfile.name + ".dockerignore";
    ignore_text = std::move(found.ignore_text);
    context.dockerfile_ = std::move(found.dockerfile);
  }
  if (!ignore_text) ignore_text = TRY(find_file(context.root(), ".dockerignore", kMaxIgnoreFile));
  if (ignore_text) context.ignore_ = TRY_CONTEXT(IgnoreRules::parse(*ignore_text), ignore_name);
  return context;
}

}  // namespace imagebuild::context
