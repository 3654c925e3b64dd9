// ImageBuild → builder pod: pure, golden-tested. The pod holds no secret value and no API token;
// what the build is asked to do stands in its annotation imagebuild.dev/request, which a downward
// API volume shows to the builder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/api/status.h"
#include "common/base/json.h"
#include "common/contract/build_request.h"
#include "operator/controller/placement.h"

namespace imagebuild::controller {

/// How the pod gets its many ids; both are isolation mode `overlay`.
enum class PodShape {
  UserNamespace,  ///< hostUsers: false, uid 0, no escalation: Kubernetes 1.33 and later
  NewUidMap,      ///< uid 1000 with newuidmap's file capabilities: any version
};
std::string_view to_string(PodShape shape);

struct PodSettings {
  std::string builder_image;
  std::string image_pull_policy = "IfNotPresent";
  PodShape shape = PodShape::NewUidMap;
  bool proc_mount_unmasked = false;  ///< for NewUidMap: clusters whose ProcMountType gate is on
  std::string seccomp_profile = "imagebuild/builder.json";  ///< below the kubelet's seccomp folder
  Duration pending_timeout = std::chrono::minutes(10);
  Json default_resources;  ///< {requests, limits}; spec.pod.resources replaces it
  Placement placement;     ///< spec.pod adds to it
  /// The Secret of an ImageBuild that names none, in its namespace; "": none either.
  std::string push_secret;
  contract::RegistrySettings registries;
};

/// Everything about one attempt.
struct PodAttempt {
  std::string name, hash8, trigger;
  int attempt = 1;
  std::string commit, revision;  ///< resolved, or ""
  std::uint64_t baseline_bytes = 0;
};

Json make_builder_pod(const api::ImageBuild& object, const api::Spec& spec,
                      const PodAttempt& attempt, const PodSettings& settings);

}  // namespace imagebuild::controller
