// Certificates that somebody gave us to trust: checked when they are read, since a transport would
// only say "certificate verify failed" at every request.
#pragma once

#include <string_view>

#include "common/base/result.h"

namespace imagebuild::http {

/// InvalidInput: not PEM, or no certificate in it. Text between certificates is allowed.
Result<void> check_certificates(std::string_view pem);

}  // namespace imagebuild::http
