// Where a configuration comes from: the pod we are in, or the files a user names.
#include "common/kube/config.h"

#include <cstdlib>

#include "common/base/unique_fd.h"

namespace imagebuild::kube {
namespace {

std::vector<std::string> split_paths(const std::string& list) {
  std::vector<std::string> paths;
  std::size_t begin = 0;
  while (begin <= list.size()) {
    auto end = std::min(list.find(':', begin), list.size());
    if (end > begin) paths.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return paths;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  return text;
}

}  // namespace

std::optional<std::string> process_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? std::optional<std::string>(value) : std::nullopt;
}

Result<ClientConfig> load_in_cluster_config(const std::string& directory,
                                            const Environment& environment) {
  auto host = environment("KUBERNETES_SERVICE_HOST");
  auto port = environment("KUBERNETES_SERVICE_PORT");
  if (!host || host->empty() || !port || port->empty())
    return fail(ErrorKind::NotFound,
                "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  bool ipv6 = host->find(':') != std::string::npos;
  ClientConfig config;
  config.server = "https://" + (ipv6 ? "[" + *host + "]" : *host) + ":" + *port;
  config.token_file = directory + "/token";
  TRY_CONTEXT(read_file(config.token_file),
              "service account token");  // fail now, not at the first request
  config.tls.ca_data = TRY_CONTEXT(read_file(directory + "/ca.crt"), "service account CA");
  auto name_space = read_file(directory + "/namespace");
  if (name_space.ok()) config.name_space = trimmed(*name_space);
  return config;
}

Result<ClientConfig> load_config(const std::string& kubeconfig, std::string_view context,
                                 const Environment& environment) {
  if (!kubeconfig.empty()) return load_kubeconfig({kubeconfig}, context);
  if (auto list = environment("KUBECONFIG"); list && !split_paths(*list).empty())
    return load_kubeconfig(split_paths(*list), context);
  auto in_cluster =
      load_in_cluster_config("/var/run/secrets/kubernetes.io/serviceaccount", environment);
  if (in_cluster.ok() || in_cluster.error().kind != ErrorKind::NotFound ||
      environment("KUBERNETES_SERVICE_HOST"))
    return in_cluster;
  auto home = environment("HOME");
  if (!home)
    return fail(ErrorKind::NotFound, "no cluster: no --kubeconfig, no KUBECONFIG, no pod, no HOME");
  return load_kubeconfig({*home + "/.kube/config"}, context);
}

}  // namespace imagebuild::kube
