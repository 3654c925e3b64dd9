// The paths /metrics, /healthz and /readyz, as a handler for common/http's server.
#pragma once

#include <functional>
#include <string>

#include "common/http/server.h"
#include "operator/telemetry/metrics.h"

namespace imagebuild::telemetry {

struct Probes {
  std::function<std::string()> healthy;  ///< "" or what is wrong
  std::function<std::string()> ready;
};

/// `metrics` has to outlive the handler. /metrics is compressed when the client accepts gzip.
http::Server::Handler make_endpoints(const Metrics& metrics, Probes probes);

/// Whether an Accept-Encoding value admits gzip (RFC 9110, 12.5.3: q=0 refuses it).
bool accepts_gzip(std::string_view accept_encoding);
std::string gzip(std::string_view text);

}  // namespace imagebuild::telemetry
