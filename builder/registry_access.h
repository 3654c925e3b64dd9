// How registries are reached, as every command's flags say it: mirrors, insecure hosts, trust and
// credentials.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/http/transport.h"
#include "common/registry/client.h"

namespace imagebuild {

/// The flags as written; empty means not given.
struct RegistryFlags {
  std::vector<std::string> mirrors, insecure;
  std::string ca, auth_file;
};

/// InvalidInput: --registry-mirror.
Result<std::vector<registry::Mirror>> parse_mirrors(const RegistryFlags& flags);

/// --ca, or no trust beside the system's. NotFound, InvalidInput: the file.
Result<http::TlsOptions> load_trust(const RegistryFlags& flags);

/// --auth-file, else what docker login and podman login left. NotFound, InvalidInput: the file.
Result<registry::Credentials> load_credentials(const RegistryFlags& flags);

}  // namespace imagebuild
