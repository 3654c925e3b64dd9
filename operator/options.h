// The operator's command line, as values.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/log.h"
#include "operator/controller/build_queue.h"
#include "operator/controller/builder_pod.h"
#include "operator/runtime/leader_elector.h"

namespace imagebuild {

enum class PodShapeChoice { Auto, UserNamespace, NewUidMap };

struct OperatorOptions {
  std::string kubeconfig, context;
  std::vector<std::string> namespaces;  ///< empty: all
  controller::PodSettings pod;          ///< shape is decided later
  PodShapeChoice pod_shape = PodShapeChoice::Auto;
  controller::BuildLimits limits;
  int workers = 4;
  std::string metrics_address = "0.0.0.0:8080";
  bool metrics_layers = false;  ///< export the sizes of each image's ten largest layers
  bool page = false;
  std::string page_address = "127.0.0.1:8082";
  std::vector<std::string> page_hosts;  ///< see page::AllowedHosts
  bool leader_elect = false;
  std::string leader_election_namespace;  ///< "": the one we run in
  runtime::LeaderElectionTiming leader_election_timing;
  LogFormat log_format = LogFormat::Text;
  LogLevel log_level = LogLevel::Info;
};

/// The options, or the exit status when there is nothing more to do (--help, --version: 0;
/// a usage error: 2).
std::variant<OperatorOptions, int> parse_options(int argc, char** argv);

}  // namespace imagebuild
