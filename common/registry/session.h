// Session: one exchange with a registry as a person thinks of it: authenticated, redirects
// followed, retried. The Authorization header goes to the endpoint's own origin only.
#pragma once

#include <functional>
#include <string>

#include "common/registry/authenticator.h"
#include "common/registry/carrier.h"

namespace imagebuild::registry {

/// A request that can be made again: after a 401 or a redirect a streamed body has to start afresh.
struct Call {
  http::Request request;
  std::function<http::BodySource()> make_source;
};

struct Answer {
  http::Response response;
  std::string url;  ///< that answered, after redirects

  /// The Location header, resolved. Internal: there is none.
  Result<std::string> location() const;
};

class Session {
 public:
  Session(const Carrier& carrier, Authenticator& authenticator)
      : carrier_(carrier), authenticator_(authenticator) {}

  /// Any status is an Answer. Redirects: GET and HEAD follow all, others only 307 and 308.
  Result<Answer> send(const Endpoint& endpoint, const Access& access, const Call& call);

 private:
  Result<Answer> follow(const Endpoint& endpoint, const Call& call,
                        const std::optional<std::string>& authorization);

  const Carrier& carrier_;
  Authenticator& authenticator_;
};

}  // namespace imagebuild::registry
