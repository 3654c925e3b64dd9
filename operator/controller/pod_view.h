// What the controller needs of a builder pod, and what a pod's state means for its build. Pure:
// JSON in, values out.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/api/failure.h"
#include "common/base/clock.h"
#include "common/base/json.h"
#include "common/contract/build_report.h"

namespace imagebuild::controller {

/// Label, annotation and container names of builder pods.
inline constexpr const char* kUidLabel = "imagebuild.dev/uid";
inline constexpr const char* kHashLabel = "imagebuild.dev/hash";
inline constexpr const char* kAttemptLabel = "imagebuild.dev/attempt";
inline constexpr const char* kTriggerLabel = "imagebuild.dev/trigger";
inline constexpr const char* kNameAnnotation = "imagebuild.dev/name";
inline constexpr const char* kRequestAnnotation = "imagebuild.dev/request";
inline constexpr const char* kContainer = "builder";

struct PodView {
  std::string name_space, name, uid, resource_version;
  std::string owner_name, owner_uid;  ///< of the controlling ImageBuild
  std::string hash, trigger;
  int attempt = 0;
  std::string created_at;
  bool deleting = false;
  bool disrupted = false;              ///< condition DisruptionTarget
  std::string phase, reason, message;  ///< of the status
  std::string unschedulable;           ///< message of PodScheduled=False
  std::string waiting_reason, waiting_message;
  bool terminated = false;
  std::string started_at, finished_at;
  std::string termination_reason, termination_message;
  std::optional<int> exit_code;

  bool finished() const { return phase == "Succeeded" || phase == "Failed"; }
};

PodView pod_view_from_json(const Json& pod);

struct PodPending {
  std::string_view reason;  ///< "" while nothing is wrong, else one of api::reason
  std::string message;
};
struct PodRunning {};
struct PodFinished {
  std::optional<contract::BuildReport> report;  ///< nullopt: none that could be read
  std::optional<api::Failure> failure;          ///< set unless the build succeeded
};
using PodState = std::variant<PodPending, PodRunning, PodFinished>;

/// What the pod says about its build.
PodState pod_state(const PodView& pod);
/// A pod that was seen and is gone.
api::Failure pod_lost();

}  // namespace imagebuild::controller
