// Which transport speaks to which host: certificates are verified, except where the user listed a
// host as insecure.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "common/http/transport.h"

namespace imagebuild::registry {

enum class Verification { Verified, Unverified };

/// The transport for a host. The reference must stay valid as long as the
/// client that got this function.
using TransportFor =
    std::function<http::Transport&(std::string_view host, Verification verification)>;

/// The two transports of a program: one that verifies (with the given trust), one that does not.
class TransportPair {
 public:
  explicit TransportPair(const http::TransportOptions& options);
  /// Refers to this object.
  TransportFor chooser();

 private:
  std::unique_ptr<http::Transport> verified_;
  std::unique_ptr<http::Transport> unverified_;
};

}  // namespace imagebuild::registry
