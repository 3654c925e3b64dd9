#include "common/registry/transports.h"

namespace imagebuild::registry {
namespace {

http::TransportOptions without_verification(http::TransportOptions options) {
  options.tls.insecure_skip_verify = true;
  return options;
}

}  // namespace

TransportPair::TransportPair(const http::TransportOptions& options)
    : verified_(http::make_transport(options)),
      unverified_(http::make_transport(without_verification(options))) {}

TransportFor TransportPair::chooser() {
  return [this](std::string_view, Verification verification) -> http::Transport& {
    return verification == Verification::Verified ? *verified_ : *unverified_;
  };
}

}  // namespace imagebuild::registry
