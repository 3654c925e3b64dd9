#include "builder/registry_access.h"

#include <cstdlib>

#include "common/base/unique_fd.h"
#include "common/http/certificates.h"

namespace imagebuild {

Result<std::vector<registry::Mirror>> parse_mirrors(const RegistryFlags& flags) {
  std::vector<registry::Mirror> mirrors;
  for (const auto& text : flags.mirrors)
    mirrors.push_back(TRY_CONTEXT(registry::Mirror::parse(text), "--registry-mirror"));
  return mirrors;
}

Result<http::TlsOptions> load_trust(const RegistryFlags& flags) {
  http::TlsOptions tls;
  if (flags.ca.empty()) return tls;
  auto pem = TRY_CONTEXT(read_file(flags.ca, 4u << 20), "--ca");
  TRY_CONTEXT(http::check_certificates(pem), "--ca " + flags.ca);
  tls.add_ca(pem);
  return tls;
}

Result<registry::Credentials> load_credentials(const RegistryFlags& flags) {
  if (flags.auth_file.empty())
    return registry::load_user_credentials(
        [](const char* name) -> const char* { return std::getenv(name); });
  auto text = TRY_CONTEXT(read_file(flags.auth_file, 1u << 20), "--auth-file");
  return registry::parse_docker_config(text).context("--auth-file " + flags.auth_file);
}

}  // namespace imagebuild
