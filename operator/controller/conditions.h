// The conditions of an ImageBuild: one rule, pure.
//
//   Ready is True if and only if an image of the current build-affecting spec is accepted.
//   Only while it is not, activity and the failure's class decide: Reconciling while something
//   runs, waits or will be retried soon; Stalled when somebody has to act. What happens beside an
//   accepted image shows in UpToDate alone.
//
// Reconciling and Stalled are abnormal-true: present or absent, never False, never both.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/api/status.h"

namespace imagebuild::controller {

enum class Activity {
  None,
  Queued,      ///< no build slot yet, or the pod of a superseded build has not gone yet
  Pending,     ///< the pod exists or is being made, and has not started
  PodPending,  ///< the same, blocked for longer than --pending-timeout
  Running,
  WillRetry,  ///< a transient failure's next attempt is due later
};

struct Situation {
  bool accepted = false;    ///< an image of the current build-affecting spec exists
  bool up_to_date = false;  ///< and it was built from the current inputs, with the current tags
  Activity activity = Activity::None;
  std::string reason;   ///< why the pod is pending: a word of api::reason, or ""
  std::string message;  ///< about the activity
  std::optional<api::Failure>
      failure;  ///< the last build of the current inputs failed, or the spec is no good
  bool suspended = false;
  std::string success;  ///< message of Ready=True

  /// How the image, or the last build's that was refused for it, stands to spec.budget.
  struct Budget {
    bool known = false;    ///< there is an image to judge
    std::string exceeded;  ///< "": within
  };
  std::optional<Budget> budget;  ///< none: spec.budget sets no limit
};

/// The conditions for `generation`; a condition whose status did not
/// change keeps its transition time.
std::vector<api::Condition> make_conditions(const Situation& situation, std::int64_t generation,
                                            const std::vector<api::Condition>& before,
                                            const std::string& now);

}  // namespace imagebuild::controller
