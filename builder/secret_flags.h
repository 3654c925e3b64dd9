// --secret and --ssh: what a build hands to RUN --mount=type=secret and type=ssh. Making them reads
// files and the environment.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace imagebuild {

using EnvironmentLookup = std::function<const char*(const char* name)>;

/// "id=NAME[,src=FILE|env=VARIABLE]", repeatable → id to value. Without src and env: the variable
/// NAME if there is one, else the file NAME. InvalidInput: the flag itself (no value is ever in a
/// message). NotFound, Denied: the file or variable.
Result<std::map<std::string, std::string>> load_secrets(const std::vector<std::string>& flags,
                                                        const EnvironmentLookup& environment);

/// "default", "NAME" or "NAME=SOCKET", repeatable → id to socket; without SOCKET that of
/// SSH_AUTH_SOCK. InvalidInput: the flag itself, a file that is no socket. NotFound: there is none.
Result<std::map<std::string, std::string>> find_ssh_agents(const std::vector<std::string>& flags,
                                                           const EnvironmentLookup& environment);

}  // namespace imagebuild
