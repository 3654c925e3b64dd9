// One look at an ImageBuild while it is being decided upon: what is known about it, and what has
// been concluded so far. The steps of decide.cc (outcome.h, next_build.h) read and write it.
#pragma once

#include <optional>
#include <string>

#include "operator/controller/conditions.h"
#include "operator/controller/decide.h"
#include "operator/controller/identity.h"

namespace imagebuild::controller {

struct Visit {
  /// Both outlive the visit.
  Visit(const Snapshot& known, const PodSettings& pod_settings);

  const Snapshot& snapshot;
  const api::ImageBuild& object;
  const PodSettings& settings;
  const std::string now;    ///< RFC 3339
  const std::string token;  ///< the rebuild token that counts

  Situation situation;
  Decision decision;  ///< its status starts as the object's

  const api::Spec& spec() const { return *object.spec; }
  std::optional<api::Build>& build() { return decision.status.build; }
  const std::optional<api::Build>& build() const { return decision.status.build; }

  Identity identity_with(const std::string& commit) const;
  /// The last build, running or ended, is of what the object asks for now.
  bool build_is_current() const;
  bool build_is_active() const { return build() && build()->result.empty(); }
  /// The last build's image was too large to be accepted, and nothing changed since.
  bool is_blocked() const;
  const PodView* find_pod(const std::string& name) const;
  bool is_active_pod(const PodView& pod) const;

  /// False, for `return visit.need_fresh();`.
  bool need_fresh();
  void requeue_in(Duration delay);
};

}  // namespace imagebuild::controller
