// The mount half of run_steps.h: what every RUN gets, whatever it asks for.
#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "builder/sandbox/mount_calls.h"
#include "builder/sandbox/overlay.h"
#include "builder/sandbox/run_steps.h"
#include "builder/sandbox/tree_path.h"
#include "common/base/unique_fd.h"

namespace imagebuild::sandbox {
namespace {

Result<void> make_private(RunContext&) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return errno_error("/");
  return {};
}

Result<void> set_host_name(RunContext& context) {
  const std::string& name = context.spec->hostname;
  if (name.empty() || ::sethostname(name.data(), name.size()) == 0) return {};
  return errno_error(name);
}

Result<void> raise_loopback(RunContext& context) {
  if (context.spec->network != Network::None) return {};
  UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return errno_error("socket");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0) return errno_error("lo");
  return {};
}

Result<void> mount_tree(RunContext& context) {
  OverlayMount overlay{
      .lowers = context.spec->lowers, .scaffold = {}, .upper = context.spec->upper};
  if (context.scaffold) overlay.scaffold = context.spec->upper;
  TRY(mount_overlay(overlay, merged_path));
  context.root =
      TRY(open_file(merged_path, O_RDONLY | O_DIRECTORY)).release();  // this process ends with RUN
  return {};
}

Result<void> mount_proc(RunContext& context) {
  auto target = TRY(open_target(context.root, "/proc"));
  auto fresh = mount_at("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  if (fresh || fresh.error().kind != ErrorKind::Denied) return fresh;
  context.proc =
      ProcMount::Bound;  // masked here: the kernel refuses a proc that shows more than ours
  return mount_at("/proc", target, nullptr, MS_BIND | MS_REC, nullptr);
}

Result<void> bind_sys(RunContext& context) {
  auto target = TRY(open_target(context.root, "/sys"));
  // Left out where the builder has none or may not bind it:
  // sysfs cannot be mounted without privilege.
  if (!mount_at("/sys", target, nullptr, MS_BIND | MS_REC, nullptr)) return {};
  auto mounted = TRY(open_target(context.root, "/sys"));
  return make_all_read_only(mounted);
}

Result<void> bind_devices(int dev) {
  // Device nodes cannot be made in a user namespace: the builder's are bound.
  for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"}) {
    UniqueFd node(::openat(dev, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    if (!node) return errno_error(name);
    TRY(mount_at((std::string("/dev/") + name).c_str(), node, nullptr, MS_BIND, nullptr));
  }
  return {};
}

Result<void> make_dev_links(int dev) {
  constexpr std::array<std::array<const char*, 2>, 5> links{{{"/proc/self/fd", "fd"},
                                                             {"/proc/self/fd/0", "stdin"},
                                                             {"/proc/self/fd/1", "stdout"},
                                                             {"/proc/self/fd/2", "stderr"},
                                                             {"pts/ptmx", "ptmx"}}};
  for (const auto& [target, name] : links) {
    if (::symlinkat(target, dev, name) < 0) return errno_error(name);
  }
  return {};
}

Result<void> mount_below_dev(int dev, const char* name, const char* type, unsigned long flags,
                             const char* data) {
  if (::mkdirat(dev, name, 0755) < 0) return errno_error(name);
  UniqueFd target(::openat(dev, name, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!target) return errno_error(name);
  return mount_at(type, target, type, flags, data);
}

/// Where BuildKit has it: what a script sees in $0 is the same.
Result<void> put_script(int dev, const ScriptFile& script) {
  if (::mkdirat(dev, "pipes", 0755) < 0) return errno_error("pipes");
  const std::string path = "pipes/" + script.name;
  UniqueFd file(::openat(dev, path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755));
  if (!file) return errno_error(path);
  return write_all(file.get(), script.content);
}

Result<void> mount_dev(RunContext& context) {
  auto target = TRY(open_target(context.root, "/dev"));
  TRY(mount_at("tmpfs", target, "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=64m"));
  auto mounted = TRY(open_target(context.root, "/dev"));
  UniqueFd dev(::open(by_descriptor(mounted).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dev) return errno_error("open");
  TRY(bind_devices(dev.get()));
  TRY(make_dev_links(dev.get()));
  if (context.spec->script) TRY(put_script(dev.get(), *context.spec->script));
  TRY(mount_below_dev(dev.get(), "pts", "devpts", MS_NOSUID | MS_NOEXEC,
                      "newinstance,ptmxmode=0666,mode=0620,gid=5"));
  return mount_below_dev(dev.get(), "shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                         "mode=1777,size=64m");
}

Result<void> bind_etc_files(RunContext& context) {
  int number = 0;  // on the tmpfs of MountSources
  for (const BoundFile& file : context.files) {
    const std::string copy = std::string(other_merged_path) + "/" + std::to_string(number++);
    auto out = TRY(open_file(copy, O_WRONLY | O_CREAT, 0644));
    TRY(write_all(out.get(), file.content));
    auto target = TRY(open_target(context.root, file.path));
    TRY_CONTEXT(mount_at(copy.c_str(), target, nullptr, MS_BIND, nullptr), file.path);
  }
  return {};
}

Result<void> enter_root(RunContext& context) {
  if (::fchdir(context.root) < 0) return errno_error("enter");
  // Both names are the new root: the old one ends up on top of it and is
  // taken off again (pivot_root(2)).
  if (::syscall(SYS_pivot_root, ".", ".") < 0) return errno_error("pivot_root");
  if (::umount2(".", MNT_DETACH) < 0) return errno_error("leave the old root");
  if (::chdir("/") < 0) return errno_error("enter");
  ::close(std::exchange(context.root, -1));
  return {};
}

}  // namespace

std::string hosts_content(std::string base, const std::string& hostname,
                          const std::vector<HostEntry>& extra) {
  if (!base.empty() && base.back() != '\n') base += '\n';
  if (!hostname.empty()) base += "127.0.1.1\t" + hostname + "\n";
  for (const HostEntry& entry : extra) base += entry.address + "\t" + entry.name + "\n";
  return base;
}

std::vector<BoundFile> bound_files(const RunSpec& spec) {
  std::vector<BoundFile> files;
  // An unreadable or absent file of the builder is not bound: the image's own stays visible.
  if (spec.resolv_conf)
    files.push_back({"/etc/resolv.conf", *spec.resolv_conf});
  else if (auto text = read_file("/etc/resolv.conf"))
    files.push_back({"/etc/resolv.conf", *std::move(text)});
  std::string hosts = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
  if (spec.hosts)
    hosts = *spec.hosts;
  else if (auto text = read_file("/etc/hosts"))
    hosts = *std::move(text);
  files.push_back({"/etc/hosts", hosts_content(std::move(hosts), spec.hostname, spec.extra_hosts)});
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (spec.hostname.empty()) ::gethostname(name.data(), name.size() - 1);
  files.push_back({"/etc/hostname", (spec.hostname.empty() ? name.data() : spec.hostname) + "\n"});
  return files;
}

std::vector<MountPoint> mount_points(const std::vector<BoundFile>& files, const RunSpec& spec,
                                     const std::vector<MountSource>& sources) {
  std::vector<MountPoint> points{{"/proc", MountPointKind::Directory},
                                 {"/sys", MountPointKind::Directory},
                                 {"/dev", MountPointKind::Directory}};
  for (const BoundFile& file : files) points.push_back({file.path, MountPointKind::File});
  std::vector<MountPoint> asked;
  for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
    if (!spec.mounts[i].target.empty()) asked.push_back({spec.mounts[i].target, sources[i].kind});
  }
  return points_in_tree(std::move(points), asked);
}

Result<void> setup_root(RunContext& context) {
  struct Step {
    const char* name;
    Result<void> (*act)(RunContext&);
  };
  static constexpr Step steps[] = {
      {"own the mount namespace", make_private},
      {"set the host name", set_host_name},
      {"bring lo up", raise_loopback},
      {"mount the tree", mount_tree},
      {"mount /proc", mount_proc},
      {"bind /sys", bind_sys},
      {"mount /dev", mount_dev},
      {"bind resolv.conf, hosts and hostname", bind_etc_files},
      {"--mount", bind_mounts},
      {"change the root", enter_root},
  };
  for (const Step& step : steps) TRY_CONTEXT(step.act(context), step.name);
  return {};
}

}  // namespace imagebuild::sandbox
