// Carrier: sends a request to the right transport with the retry policy. Knows no credentials and
// follows no redirects.
#pragma once

#include <stop_token>
#include <string>

#include "common/base/log.h"
#include "common/registry/endpoint.h"
#include "common/registry/retry.h"

namespace imagebuild::registry {

class Carrier {
 public:
  Carrier(const Endpoints& endpoints, RetryPolicy policy, std::string user_agent, Logger log,
          std::stop_token stop);

  /// `to_mirror`: gives up early, because there is somebody else to ask.
  Result<http::Response> send(http::Request request, bool to_mirror) const;

  const RetryPolicy& policy() const { return policy_; }
  const std::stop_token& stop() const { return stop_; }
  const Logger& log() const { return log_; }
  const Endpoints& endpoints() const { return endpoints_; }

 private:
  const Endpoints& endpoints_;
  const RetryPolicy policy_;
  const RetryPolicy mirror_policy_;
  const std::string user_agent_;
  const Logger log_;
  const std::stop_token stop_;
};

}  // namespace imagebuild::registry
