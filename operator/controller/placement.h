// Where builder pods may run: what the operator was told for all of them, and what an ImageBuild
// says of its own.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/spec.h"
#include "common/base/json.h"
#include "common/base/result.h"

namespace imagebuild::controller {

/// Of every builder pod.
struct Placement {
  std::map<std::string, std::string> node_selector;
  Json tolerations = Json::array();  ///< of core/v1 Toleration
};

/// "KEY=VALUE" each; VALUE may be empty. InvalidInput: not a label, or a key with two values.
Result<std::map<std::string, std::string>> parse_node_selector(
    const std::vector<std::string>& labels);
/// A JSON list of core/v1 Toleration. InvalidInput: what the API server would refuse, pod by pod.
Result<Json> parse_tolerations(std::string_view json);

/// Sets nodeSelector and tolerations of a pod's spec. A node label that the ImageBuild names has
/// its value; its tolerations come beside the common ones, for a toleration only ever allows.
void place(Json& pod_spec, const Placement& common, const api::Pod& own);

}  // namespace imagebuild::controller
