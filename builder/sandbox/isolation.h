// Which isolation modes work where this process runs, and the exact missing permission of each other:
// for `imagebuild-builder doctor` and `--isolation auto`. Probing really tries: it starts a tree worker,
// mounts an overlay, removes and makes again a lower directory, mounts /proc.
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
  std::vector<ModeReport> modes;       ///< best first, one for each mode
  std::optional<IdPlan> ids;           ///< of overlay, when a plan exists
  std::optional<ProcMount> proc;       ///< what RUN gets, when overlay works
  std::vector<std::string> notes;      ///< what works but less well: "/proc is masked here …"

  const ModeReport& of(IsolationMode mode) const;
};

struct ProbeOptions {
  std::string store_dir;  ///< where the build would keep its layers: overlay depends on that file system
  std::string executable = "/proc/self/exe";
};

IsolationReport probe_isolation(const ProbeOptions& options);

/// The mode for `--isolation auto|overlay|overlay-single|chroot`.
/// InvalidInput: no such mode, or not implemented yet. Denied: it does not work here, with the reason.
Result<IsolationMode> select_isolation(std::string_view requested, const IsolationReport& report);

/// `doctor`'s text, ending with a newline.
std::string render_isolation(const IsolationReport& report);
/// `doctor --format json`.
Json isolation_to_json(const IsolationReport& report);

}  // namespace imagebuild
