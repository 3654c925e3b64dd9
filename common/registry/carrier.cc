#include "common/registry/carrier.h"

#include <algorithm>

namespace imagebuild::registry {
namespace {

RetryPolicy with_attempts(RetryPolicy policy, unsigned attempts) {
  policy.attempts = std::min(policy.attempts, attempts);
  return policy;
}

}  // namespace

Carrier::Carrier(const Endpoints& endpoints, RetryPolicy policy, std::string user_agent, Logger log,
                 std::stop_token stop)
    : endpoints_(endpoints),
      policy_(policy),
      mirror_policy_(with_attempts(std::move(policy), 2)),
      user_agent_(std::move(user_agent)),
      log_(std::move(log)),
      stop_(std::move(stop)) {}

Result<http::Response> Carrier::send(http::Request request, bool to_mirror) const {
  auto url = TRY(http::parse_url(request.url));
  request.headers.set("User-Agent", user_agent_);
  return RetryingTransport(endpoints_.transport_for(url), to_mirror ? mirror_policy_ : policy_,
                           log_)
      .send(request, stop_);
}

}  // namespace imagebuild::registry
