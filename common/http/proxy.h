// HTTP_PROXY, HTTPS_PROXY and NO_PROXY, which cpprestsdk does not read by itself.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/http/transport.h"

namespace imagebuild::http {

/// The proxy URL for a request to `url`, or nullopt to connect directly. `environment` looks a
/// variable up (nullptr when unset); lower-case names win. NO_PROXY holds host names, domain
/// suffixes (with or without a leading dot), IPv4 networks (10.0.0.0/8), each with an optional
/// port, or "*". Loopback is never proxied.
std::optional<std::string> find_proxy(const Url& url,
                                      const std::function<const char*(const char*)>& environment);

}  // namespace imagebuild::http
