#include "operator/controller/visit.h"

#include <algorithm>

namespace imagebuild::controller {
namespace {

/// An annotation that was removed asks for nothing.
std::string effective_token(const api::ImageBuild& object) {
  if (!object.rebuild_token.empty()) return object.rebuild_token;
  return object.status.build ? object.status.build->token : "";
}

}  // namespace

Visit::Visit(const Snapshot& known, const PodSettings& pod_settings)
    : snapshot(known),
      object(known.object),
      settings(pod_settings),
      now(format_rfc3339(known.now)),
      token(effective_token(known.object)) {
  decision.status = object.status;
}

Identity Visit::identity_with(const std::string& commit) const {
  return make_identity(spec(), source_identity(spec(), commit), token, object.uid);
}

bool Visit::build_is_current() const {
  return build() && identity_with(build()->source).hash8 == build()->hash;
}

bool Visit::is_blocked() const {
  return build() && build()->result == "OverBudget" && build_is_current() && build()->failure;
}

const PodView* Visit::find_pod(const std::string& name) const {
  for (const PodView& pod : snapshot.pods)
    if (pod.name == name) return &pod;
  return nullptr;
}

bool Visit::is_active_pod(const PodView& pod) const {
  return build_is_active() && pod.name == build()->pod;
}

bool Visit::need_fresh() {
  decision.needs.fresh = true;
  return false;
}

void Visit::requeue_in(Duration delay) {
  delay = std::max(delay, Duration(1));
  if (!decision.requeue_after || delay < *decision.requeue_after) decision.requeue_after = delay;
}

}  // namespace imagebuild::controller
