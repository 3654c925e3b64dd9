// Waiting for a build: what the object's status means for a change that was asked for. judge() is
// pure; wait_for_goal() looks again until it has an end.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "plugin/session.h"

namespace imagebuild::plugin {

/// What was asked for: the spec of a generation, or the build that answers a rebuild token.
struct Goal {
  std::int64_t generation = 0;
  std::string token = {};  ///< "": any build of that generation
};

struct Verdict {
  enum class State {
    Waiting,  ///< nothing runs yet, or it will be tried again
    Running,  ///< the build's pod may be there
    Succeeded,
    Failed,  ///< nothing more happens without a change
  };
  State state = State::Waiting;
  std::string text = {};  ///< one line: what it is waiting for, or why it failed

  bool ended() const { return state == State::Succeeded || state == State::Failed; }
};

/// `retries` is spec.retries: a transient failure with retries left is no end.
Verdict judge(const View& view, const Goal& goal, int retries);

/// spec.retries of an object, with its default.
int retries_of(const Json& object);

/// Looks until judge() has an end; notes what changes. `each` is called after every look.
Result<Verdict> wait_for_goal(
    Session& session, const std::string& name, const Goal& goal,
    const std::function<Result<void>(const View&, const Verdict&)>& each = {});

/// The last line of a wait: the image and its size, or the failure and what to do.
std::string outcome_text(const View& view, const Verdict& verdict, const Style& style);

}  // namespace imagebuild::plugin
