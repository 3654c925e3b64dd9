// The plan: which stages a build needs, in which order, and what each stands on. Pure: a parsed
// Dockerfile, the target and the build arguments in, a graph out; nothing is fetched. Stages that
// the target does not need are left out, so they never run.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "builder/dockerfile/dockerfile.h"
#include "common/base/result.h"
#include "common/oci/platform.h"
#include "common/oci/reference.h"

namespace imagebuild::plan {

/// `FROM scratch`.
struct Scratch {
  friend bool operator==(const Scratch&, const Scratch&) = default;
};
/// Another stage, by its index in Dockerfile::stages.
struct StageRef {
  std::size_t index = 0;
  friend bool operator==(const StageRef&, const StageRef&) = default;
};
struct ImageRef {
  oci::Reference reference;
  oci::Platform platform;
  friend bool operator==(const ImageRef&, const ImageRef&) = default;
};
/// What a stage, or COPY --from, stands on.
using Base = std::variant<Scratch, StageRef, ImageRef>;

struct PlannedStage {
  std::size_t index = 0;  ///< in Dockerfile::stages
  Base base;
};

struct Plan {
  std::vector<PlannedStage> stages;  ///< in the order to run; the target is last
  std::map<std::string, std::string>
      global_args;         ///< ARGs before the first FROM, with their values
  oci::Platform platform;  ///< of the image that is built
};

struct PlanOptions {
  std::string target;  ///< stage name or number; empty: the last stage
  std::map<std::string, std::string> build_args;
  oci::Platform platform;  ///< empty os: this machine's
};

/// InvalidInput with file, line and instruction: unknown target, a base that expands to
/// nothing or is no reference, a build argument that no stage declares is *not* an
/// error here (see unused_build_args).
Result<Plan> make_plan(const dockerfile::Dockerfile& dockerfile, const PlanOptions& options);

/// What `COPY --from=NAME` and RUN `--mount=from=NAME` mean in stage `stage_index`: an earlier
/// stage by name or number, else an image. InvalidInput: the stage itself or a later one; not a
/// reference.
Result<Base> resolve_from(const dockerfile::Dockerfile& dockerfile, std::size_t stage_index,
                          std::string_view from, const oci::Platform& platform);

/// The names that COPY --from and RUN --mount=from have in all stages, also those that no target
/// needs, resolve. InvalidInput with file, line and instruction for the first that does not.
Result<void> check_sources(const dockerfile::Dockerfile& dockerfile);

/// Build arguments that no ARG of the file declares and that are not predefined:
/// a warning in a build.
std::vector<std::string> unused_build_args(const dockerfile::Dockerfile& dockerfile,
                                           const std::map<std::string, std::string>& build_args);

/// TARGETPLATFORM, TARGETOS, …, BUILDPLATFORM, …: the platform arguments of the global scope.
/// Passed build arguments of these names win.
std::map<std::string, std::string> platform_args(const oci::Platform& target,
                                                 const oci::Platform& build);
/// HTTP_PROXY and the like: usable by RUN without an ARG, and kept out of the history.
bool is_predefined_arg(std::string_view name);

}  // namespace imagebuild::plan
