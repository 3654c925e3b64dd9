#include "builder/sandbox/isolation.h"

#include <sys/statfs.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "builder/sandbox/tree_worker.h"
#include "common/base/unique_fd.h"

namespace imagebuild {
namespace {

constexpr long overlay_magic = 0x794c7630;

std::optional<std::int64_t> number_in(const char* path) {
  auto text = read_file(path, 4096);
  if (!text || text->empty()) return std::nullopt;
  return std::strtoll(text->c_str(), nullptr, 10);
}

bool seccomp_filter_is_on() {
  auto status = read_file("/proc/self/status", 64 << 10);
  return status && status->find("\nSeccomp:\t2") != std::string::npos;
}

bool apparmor_profile_is_on() {
  auto profile = read_file("/proc/self/attr/apparmor/current", 4096);
  return profile && !profile->empty() && profile->rfind("unconfined", 0) != 0;
}

bool is_on_overlay(std::string path) {
  struct statfs fs {};
  while (::statfs(path.c_str(), &fs) < 0) {
    const std::string parent = std::filesystem::path(path).parent_path().string();
    if (parent == path || parent.empty()) return false;
    path = parent;
  }
  return fs.f_type == overlay_magic;
}

HostFacts gather_host_facts(const ProbeOptions& options) {
  HostFacts facts;
  facts.max_user_namespaces = number_in("/proc/sys/user/max_user_namespaces");
  facts.userns_clone_disabled =
      number_in("/proc/sys/kernel/unprivileged_userns_clone").value_or(1) == 0;
  facts.apparmor_restricted =
      number_in("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").value_or(0) == 1;
  facts.apparmor_confined = apparmor_profile_is_on();
  facts.seccomp_filtered = seccomp_filter_is_on();
  facts.store_on_overlay = is_on_overlay(options.store_dir);
  facts.root = ::geteuid() == 0;
  return facts;
}

std::string describe(const IdPlan& plan, ProcMount proc) {
  std::uint64_t ids = 0;
  for (const IdRange& range : plan.uids) ids += range.count;
  return std::string(to_string(plan.method)) + ", " + std::to_string(ids) + " ids, " +
         (proc == ProcMount::Fresh ? "fresh /proc" : "the builder's /proc bound");
}

void probe_overlay(const ProbeOptions& options, ModeReport& overlay, IsolationReport& report) {
  auto plan = choose_id_plan(gather_id_facts());
  if (!plan) {
    overlay.detail = plan.error().message;
    return;
  }
  report.ids = *plan;
  auto worker = TreeWorker::start({options.store_dir, options.executable});
  auto proc = worker ? worker->probe() : Result<ProcMount>(worker.error());
  auto ended = worker ? worker->stop() : Result<void>();
  const Error* error = !proc ? &proc.error() : !ended ? &ended.error() : nullptr;
  if (error) {
    overlay.detail = error->message;
    overlay.hint = hint_for(*error, gather_host_facts(options));
    return;
  }
  overlay.available = true;
  overlay.detail = describe(*plan, *proc);
  report.proc = *proc;
  if (*proc == ProcMount::Bound) {
    report.notes.push_back(
        "/proc is masked here, so RUN sees the builder's (process numbers differ); procMount: "
        "Unmasked gives it its own");
  }
  if (plan->uids.front().count < 65535 && plan->uids.size() == 1) {
    report.notes.push_back("only " + std::to_string(plan->uids.front().count) +
                           " ids are mapped: an image with higher owners does not build");
  }
}

}  // namespace

std::string_view to_string(IsolationMode mode) {
  switch (mode) {
    case IsolationMode::Overlay:
      return "overlay";
    case IsolationMode::OverlaySingle:
      return "overlay-single";
    case IsolationMode::Chroot:
      return "chroot";
  }
  return "";
}

const ModeReport& IsolationReport::of(IsolationMode mode) const {
  for (const ModeReport& report : modes) {
    if (report.mode == mode) return report;
  }
  static const ModeReport none{IsolationMode::Overlay, false, "not probed", ""};
  return none;
}

std::string hint_for(const Error& error, const HostFacts& facts) {
  // From the surest cause to the likeliest: facts first, then what kind of failure it was.
  if (facts.max_user_namespaces == 0) return "set sysctl user.max_user_namespaces to at least 2";
  if (facts.userns_clone_disabled && !facts.root)
    return "set sysctl kernel.unprivileged_userns_clone to 1";
  if (facts.store_on_overlay && error.kind != ErrorKind::Denied) {
    return "the store is on an overlay file system, which cannot hold another one's upper "
           "directory: "
           "use a volume (emptyDir) or a disk";
  }
  if (error.kind != ErrorKind::Denied) return "";
  if (facts.apparmor_restricted && !facts.root) {
    return "Ubuntu restricts user namespaces: give the builder an AppArmor profile with `userns,` "
           "or set sysctl "
           "kernel.apparmor_restrict_unprivileged_userns to 0";
  }
  if (facts.seccomp_filtered) {
    return "a seccomp filter is on: the profile has to allow unshare, clone, mount, umount2, "
           "pivot_root, setns and "
           "sethostname (Localhost profile of this project; RuntimeDefault does not)";
  }
  if (facts.apparmor_confined)
    return "an AppArmor profile is on: containerd's default one denies mount";
  return "";
}

IsolationReport probe_isolation(const ProbeOptions& options) {
  IsolationReport report;
  ModeReport overlay{IsolationMode::Overlay, false, "", ""};
  probe_overlay(options, overlay, report);
  report.modes = {std::move(overlay),
                  {IsolationMode::OverlaySingle, false, "not implemented yet", ""},
                  {IsolationMode::Chroot, false, "not implemented yet", ""}};
  return report;
}

Result<IsolationMode> select_isolation(std::string_view requested, const IsolationReport& report) {
  if (requested == "overlay-single" || requested == "chroot") {
    return fail(ErrorKind::InvalidInput,
                "isolation " + std::string(requested) + " is not implemented yet");
  }
  if (requested != "auto" && requested != "overlay") {
    return fail(ErrorKind::InvalidInput, "isolation " + std::string(requested) +
                                             ": expected auto, overlay, overlay-single or chroot");
  }
  const ModeReport& overlay = report.of(IsolationMode::Overlay);
  if (overlay.available) return IsolationMode::Overlay;
  std::string message = "isolation overlay does not work here: " + overlay.detail;
  if (!overlay.hint.empty()) message += "; " + overlay.hint;
  return fail(ErrorKind::Denied, std::move(message));
}

}  // namespace imagebuild
