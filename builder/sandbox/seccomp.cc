#include "builder/sandbox/seccomp.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>

namespace imagebuild::sandbox {
namespace {

// Names this libseccomp or this architecture does not know are passed over: they cannot be called
// by number through libseccomp either, and the kernel's own checks stay.
constexpr const char* denied[] = {
    // Mounts and roots (chroot stays: apk runs package scripts with it).
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "open_tree",
    "move_mount",
    "mount_setattr",
    "open_by_handle_at",
    "quotactl",
    "quotactl_fd",
    "swapon",
    "swapoff",
    // Namespaces.
    "unshare",
    "setns",
    // Kernel and machine.
    "init_module",
    "finit_module",
    "delete_module",
    "create_module",
    "query_module",
    "get_kernel_syms",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "acct",
    "syslog",
    "vhangup",
    "iopl",
    "ioperm",
    "settimeofday",
    "clock_settime",
    "clock_settime64",
    "stime",
    "nfsservctl",
    "uselib",
    "ustat",
    "sysfs",
    "_sysctl",
    "vm86",
    "vm86old",
    "lookup_dcookie",
    // Tracing (ptrace stays: strace and debuggers run on a step's own children).
    "bpf",
    "perf_event_open",
    "kcmp",
    "userfaultfd",
    "move_pages",
    "fanotify_init",
    // Key rings are not namespaced; io_uring goes past this filter.
    "add_key",
    "request_key",
    "keyctl",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
};

constexpr unsigned long new_namespaces[] = {CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWPID,
                                            CLONE_NEWNET,   CLONE_NEWIPC, CLONE_NEWUTS,
                                            CLONE_NEWCGROUP};

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

Result<void> check(int status, const std::string& what) {
  if (status < 0) return errno_error("seccomp filter: " + what, -status);
  return {};
}

Result<void> add_architectures(scmp_filter_ctx filter) {
  // Without its 32-bit siblings a filter kills their programs instead of filtering them.
#if defined(__x86_64__)
  constexpr std::uint32_t siblings[] = {SCMP_ARCH_X86, SCMP_ARCH_X32};
#elif defined(__aarch64__)
  constexpr std::uint32_t siblings[] = {SCMP_ARCH_ARM};
#else
  constexpr std::uint32_t siblings[] = {SCMP_ARCH_NATIVE};
#endif
  for (const std::uint32_t arch : siblings) {
    const int status = seccomp_arch_add(filter, arch);
    if (status != -EEXIST) TRY(check(status, "add an architecture"));
  }
  return {};
}

Result<void> add_rules(scmp_filter_ctx filter) {
  for (const char* name : denied) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) continue;
    const int status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
    if (status != -EDOM)
      TRY(check(status, name));  // EDOM: no such call on any of the architectures
  }
  for (const unsigned long flag : new_namespaces) {
    TRY(check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag)),
              "clone"));
  }
  // clone3's flags are behind a pointer; with ENOSYS C libraries fall back to clone.
  TRY(check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0), "clone3"));
  // Reaches the hypervisor past every network namespace.
  return check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                                SCMP_A0(SCMP_CMP_EQ, AF_VSOCK)),
               "socket");
}

}  // namespace

Result<void> load_run_filter() {
  Filter filter(seccomp_init(SCMP_ACT_ALLOW), seccomp_release);
  if (!filter) return fail(ErrorKind::Internal, "seccomp filter: out of memory");
  TRY(check(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_NNP, 0), "keep new privileges"));
  // Binary tree: the filter runs on every call of every compiler a build starts.
  TRY(check(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimise"));
  TRY(add_architectures(filter.get()));
  TRY(add_rules(filter.get()));
  return check(seccomp_load(filter.get()), "load");
}

}  // namespace imagebuild::sandbox
