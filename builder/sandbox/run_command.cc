// The privilege half of run_steps.h: from pid 1's child with every
// capability to the build step itself.
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "builder/sandbox/run_steps.h"
#include "builder/sandbox/seccomp.h"
#include "common/base/unique_fd.h"

namespace imagebuild::sandbox {
namespace {

// Docker's default set: what Dockerfiles are written for.
constexpr int kept_capabilities[] = {
    CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_FSETID,           CAP_FOWNER,
    CAP_MKNOD,   CAP_NET_RAW,      CAP_SETGID,           CAP_SETUID,
    CAP_SETFCAP, CAP_SETPCAP,      CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT,
    CAP_KILL,    CAP_AUDIT_WRITE,
};

struct CommandContext {
  const RunSpec& spec;
  int output;
};

std::uint64_t kept_mask() {
  std::uint64_t mask = 0;
  for (const int capability : kept_capabilities) mask |= std::uint64_t{1} << capability;
  return mask;
}

Result<void> default_signals(CommandContext&) {
  for (int number = 1; number < NSIG; ++number)
    ::signal(number, SIG_DFL);  // ignored ones survive exec
  sigset_t none;
  sigemptyset(&none);
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) < 0) return errno_error("mask");
  return {};
}

Result<void> own_session(CommandContext&) {
  if (::setsid() < 0) return errno_error("setsid");
  return {};
}

Result<void> standard_streams(CommandContext& context) {
  UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null) return errno_error("/dev/null");
  if (::dup2(null.get(), 0) < 0 || ::dup2(context.output, 1) < 0 || ::dup2(context.output, 2) < 0) {
    return errno_error("dup2");
  }
  return {};
}

Result<void> no_descriptors(CommandContext&) {
  // Marked rather than closed: the report channel must live until exec succeeds.
  if (::syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
    return errno_error("close_range");
  return {};
}

/// mkdir -p; what cannot be made shows when it is entered.
void make_directories(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != path.npos; slash = path.find('/', slash + 1))
    ::mkdir(path.substr(0, slash).c_str(), 0755);
  ::mkdir(path.c_str(), 0755);
}

/// A config may name a directory that no layer has: runtimes make it, and so it is in the layer.
Result<void> working_directory(CommandContext& context) {
  if (::chdir(context.spec.cwd.c_str()) == 0) return {};
  if (errno == ENOENT) {
    make_directories(context.spec.cwd);
    if (::chdir(context.spec.cwd.c_str()) == 0) return {};
  }
  Error error = errno_error(context.spec.cwd);
  error.kind = ErrorKind::InvalidInput;
  return error;
}

Result<void> bounding_set(CommandContext&) {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if ((kept_mask() >> capability) & 1) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
      return errno_error("drop " + std::to_string(capability));
  }
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return errno_error("ambient");
  return {};
}

// Before the ids change: loading takes CAP_SYS_ADMIN, or no-new-privileges, which steps do without.
Result<void> call_filter(CommandContext&) { return load_run_filter(); }

Result<void> mapped(const char* what, std::uint32_t id, int error) {
  if (error == EINVAL) {
    return fail(ErrorKind::InvalidInput, std::string(what) + " " + std::to_string(id) +
                                             " is not mapped: ids of a build are 0 to 65534");
  }
  return errno_error(std::string(what) + " " + std::to_string(id), error);
}

Result<void> identity(CommandContext& context) {
  const RunSpec& spec = context.spec;
  std::vector<gid_t> groups(spec.groups.begin(), spec.groups.end());
  if (::setgroups(groups.size(), groups.data()) < 0)
    return mapped("one of the groups of gid", spec.gid, errno);
  if (::setresgid(spec.gid, spec.gid, spec.gid) < 0) return mapped("gid", spec.gid, errno);
  if (::setresuid(spec.uid, spec.uid, spec.uid) < 0) return mapped("uid", spec.uid, errno);
  return {};
}

Result<void> capabilities(CommandContext& context) {
  const std::uint64_t mask = context.spec.uid == 0 ? kept_mask() : 0;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  for (int half = 0; half < 2; ++half) {
    data[half].permitted = data[half].effective = static_cast<std::uint32_t>(mask >> (32 * half));
  }
  if (::syscall(SYS_capset, &header, data) < 0) return errno_error("capset");
  return {};
}

std::string path_variable(const std::vector<std::string>& env) {
  for (const std::string& entry : env) {
    if (entry.rfind("PATH=", 0) == 0) return entry.substr(5);
  }
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/// ENOEXEC: a program of another CPU, or a script without its first line.
std::string why_not_executable(const std::string& path) {
  utsname machine{};
  ::uname(&machine);
  std::string start(4, '\0');
  auto fd = open_file(path, O_RDONLY);
  const auto got = fd ? read_some(fd->get(), start) : Result<std::size_t>(std::size_t{0});
  if (got && *got == 4 &&
      start ==
          "\x7f"
          "ELF") {
    return "exec format error: the program is built for another architecture than this machine's " +
           std::string(machine.machine);
  }
  return "exec format error: neither a program of this machine nor a script with a #! line";
}

NotStarted explain(const std::string& path, int error) {
  struct stat st {};
  if (error == ENOEXEC) return {126, path + ": " + why_not_executable(path)};
  if (error == ENOENT && ::stat(path.c_str(), &st) == 0) {
    return {127, path + ": its interpreter or dynamic loader does not exist in the image"};
  }
  return {error == ENOENT ? 127 : 126,
          path + ": " + (error == ENOENT ? "not found" : std::strerror(error))};
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

NotStarted execute(const RunSpec& spec) {
  const auto argv = pointers(spec.argv);
  const auto env = pointers(spec.env);
  const std::string& name = spec.argv[0];
  if (name.find('/') != name.npos) {
    ::execve(name.c_str(), argv.data(), env.data());
    return explain(name, errno);
  }
  NotStarted denied;
  std::string folders = path_variable(spec.env) + ":";
  for (std::size_t colon; (colon = folders.find(':')) != folders.npos;
       folders.erase(0, colon + 1)) {
    const std::string path = (colon == 0 ? "." : folders.substr(0, colon)) + "/" + name;
    ::execve(path.c_str(), argv.data(), env.data());
    const NotStarted reason = explain(path, errno);
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) return reason;
    if (::access(path.c_str(), F_OK) == 0) denied = reason;  // keep looking, as execvp(3) does
  }
  if (!denied.message.empty()) return denied;
  return {127, name + ": not found in PATH"};
}

}  // namespace

Result<NotStarted> become_command(const RunSpec& spec, int output) {
  struct Step {
    const char* name;
    Result<void> (*act)(CommandContext&);
  };
  static constexpr Step steps[] = {
      {"reset signals", default_signals},       {"start a session", own_session},
      {"connect the output", standard_streams}, {"close descriptors", no_descriptors},
      {"working directory", working_directory}, {"bounding set", bounding_set},
      {"system-call filter", call_filter},      {"user", identity},
      {"capabilities", capabilities},
  };
  CommandContext context{spec, output};
  ::umask(022);
  for (const Step& step : steps) TRY_CONTEXT(step.act(context), step.name);
  return execute(spec);
}

}  // namespace imagebuild::sandbox
