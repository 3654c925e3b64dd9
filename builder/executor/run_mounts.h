// What a RUN with --mount holds while it runs, beside its RunSpec.
#pragma once

#include <vector>

#include "builder/sandbox/agent_forwarder.h"
#include "common/base/unique_fd.h"

namespace imagebuild::executor {

struct RunAttachments {
  std::vector<UniqueFd> descriptors;   ///< for TreeWorker::run(), in the order of their indices
  std::vector<AgentForwarder> agents;  ///< answer until the step has ended
};

}  // namespace imagebuild::executor
