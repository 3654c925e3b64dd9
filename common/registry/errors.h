// A registry's answer that is not a success, as an Error: kind by status,
// message from its JSON error codes.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/http/transport.h"

namespace imagebuild::registry {

/// "401 unauthorized: UNAUTHORIZED: authentication required". 401 and 403 Denied, 404 NotFound,
/// 408, 429 and 5xx Transient, others Internal.
Error error_of(const http::Response& response);
/// Untrusted text for a message: one line, printable, bounded.
std::string printable(std::string_view text, std::size_t limit = 300);

}  // namespace imagebuild::registry
