// The builder's half of RUN --mount=type=ssh: answers for the user's ssh agent. RUN connects to a
// socket that the tree worker has made in the step's own tmpfs; this process, which may reach the
// agent, passes requests on: the list of keys and signatures, nothing that changes the agent.
#pragma once

#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace imagebuild {

class AgentForwarder {
 public:
  struct Started;
  /// Answers from a thread of its own until it is destroyed. `agent_socket` is connected to for
  /// each connection that RUN makes; when that fails, RUN's is closed.
  static Result<Started> start(const std::string& agent_socket);

  AgentForwarder(AgentForwarder&&) noexcept;
  AgentForwarder& operator=(AgentForwarder&&) noexcept;
  ~AgentForwarder();

 private:
  struct State;
  explicit AgentForwarder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct AgentForwarder::Started {
  AgentForwarder forwarder;
  UniqueFd attachment;  ///< for TreeWorker::run(): where the worker hands its socket over
};

}  // namespace imagebuild
