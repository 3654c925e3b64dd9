// Where the API server is and how to prove who we are: from kubeconfig files or from the files that
// the kubelet mounts into a pod. What a kubeconfig asks for and we cannot do (exec and
// auth-provider plugins, a proxy of its own, impersonation, basic auth) is an error that names the
// entry, never ignored.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/http/transport.h"

namespace imagebuild::kube {

struct ClientConfig {
  std::string server;  ///< "https://host:port[/prefix]", without a slash at the end
  http::TlsOptions tls;
  std::string token;
  std::string token_file;  ///< read again when it rotates; wins over `token`
  std::string name_space = "default";
};

/// Reads an environment variable; nullopt if it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;
std::optional<std::string> process_environment(const char* name);

/// Merges kubeconfig files as kubectl does: the first file that defines a name (or current-context)
/// wins; files that do not exist are skipped, but one has to. `context` "": the current one.
/// InvalidInput names file and field.
Result<ClientConfig> load_kubeconfig(const std::vector<std::string>& paths,
                                     std::string_view context = "");

/// KUBERNETES_SERVICE_HOST and _PORT plus token, ca.crt and namespace of the service account's
/// directory. NotFound when this is no pod.
Result<ClientConfig> load_in_cluster_config(
    const std::string& directory = "/var/run/secrets/kubernetes.io/serviceaccount",
    const Environment& environment = process_environment);

/// What a program without further flags uses: the file named by the user, else KUBECONFIG (a path
/// list), else the pod we are in, else ~/.kube/config.
Result<ClientConfig> load_config(const std::string& kubeconfig = "", std::string_view context = "",
                                 const Environment& environment = process_environment);

}  // namespace imagebuild::kube
