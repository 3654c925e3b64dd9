// Which isolation modes work where this process runs, and the exact missing permission of each
// other: for `imagebuild-builder doctor` and `--isolation auto`. Probing really tries: it starts a
// tree worker, mounts an overlay, removes and makes again a lower directory, mounts /proc.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "builder/sandbox/id_map.h"
#include "builder/sandbox/run_spec.h"
#include "common/base/json.h"
#include "common/base/result.h"

namespace imagebuild {

enum class IsolationMode { Overlay, OverlaySingle, Chroot };
/// "overlay", "overlay-single", "chroot".
std::string_view to_string(IsolationMode mode);

struct ModeReport {
  IsolationMode mode = IsolationMode::Overlay;
  bool available = false;
  std::string detail;  ///< how it works here, or what is missing; one line
  std::string hint;    ///< what to change; empty when there is nothing to
};

struct IsolationReport {
  std::vector<ModeReport> modes;   ///< best first, one for each mode
  std::optional<IdPlan> ids;       ///< of overlay, when a plan exists
  std::optional<ProcMount> proc;   ///< what RUN gets, when overlay works
  std::vector<std::string> notes;  ///< what works but less well: "/proc is masked here …"

  const ModeReport& of(IsolationMode mode) const;
};

/// What explains a failed probe; read from this machine by probe_isolation().
struct HostFacts {
  std::optional<std::int64_t> max_user_namespaces;  ///< user.max_user_namespaces
  bool userns_clone_disabled = false;  ///< kernel.unprivileged_userns_clone = 0 (older Debian)
  bool apparmor_restricted = false;  ///< kernel.apparmor_restrict_unprivileged_userns = 1 (Ubuntu)
  bool apparmor_confined = false;    ///< an AppArmor profile is on us
  bool seccomp_filtered = false;     ///< a seccomp filter is on us
  bool store_on_overlay = false;     ///< the store's file system is itself an overlay
  bool root = false;
};

/// What to change so that `error`, from starting or probing a tree worker,
/// goes away. Empty: no idea.
std::string hint_for(const Error& error, const HostFacts& facts);

struct ProbeOptions {
  std::string
      store_dir;  ///< where the build would keep its layers: overlay depends on that file system
  std::string executable = "/proc/self/exe";
};

IsolationReport probe_isolation(const ProbeOptions& options);

/// The mode for `--isolation auto|overlay|overlay-single|chroot`.
/// InvalidInput: no such mode, or not implemented yet.
/// Denied: it does not work here, with the reason.
Result<IsolationMode> select_isolation(std::string_view requested, const IsolationReport& report);

/// `doctor`'s text, ending with a newline.
std::string render_isolation(const IsolationReport& report);
/// `doctor --format json`.
Json isolation_to_json(const IsolationReport& report);

}  // namespace imagebuild
