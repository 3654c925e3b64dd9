#include "operator/options.h"

#include <CLI/CLI.hpp>

#include "common/base/byte_size.h"
#include "common/base/unique_fd.h"
#include "common/http/certificates.h"
#include "common/registry/client.h"

#ifndef IMAGEBUILD_VERSION
#define IMAGEBUILD_VERSION "unknown"
#endif

namespace imagebuild {
namespace {

struct Raw {
  std::vector<std::string> mirrors;
  std::string registry_ca, pending_timeout = "10m";
  std::string cpu_request = "100m", memory_request = "128Mi", cpu_limit, memory_limit;
};

void add_flags(CLI::App& app, OperatorOptions& options, Raw& raw) {
  app.add_option(
      "--kubeconfig", options.kubeconfig,
      "kubeconfig file; default: $KUBECONFIG, the pod's service account, ~/.kube/config");
  app.add_option("--context", options.context,
                 "context of the kubeconfig; default: its current one");
  app.add_option("--watch-namespaces", options.namespaces, "namespaces to look after; default: all")
      ->delimiter(',');
  app.add_option("--builder-image", options.pod.builder_image, "image of the builder's pods")
      ->required();
  app.add_option("--builder-image-pull-policy", options.pod.image_pull_policy,
                 "pull policy of that image")
      ->check(CLI::IsMember({"Always", "IfNotPresent", "Never"}))
      ->capture_default_str();
  app.add_option("--max-concurrent-builds", options.max_concurrent_builds,
                 "builds that run at once; 0: no limit")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  app.add_option("--workers", options.workers, "ImageBuilds that are looked at at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--pending-timeout", raw.pending_timeout,
                 "how long a pod may wait for its start before Ready turns False")
      ->capture_default_str();

  app.add_option("--registry-mirror", raw.mirrors,
                 "HOST=URL: pull HOST's images from URL first, e.g. docker.io=https://mirror:5000 "
                 "(repeatable)");
  app.add_option("--insecure-registry", options.pod.registries.insecure,
                 "HOST[:PORT]: https that is not verified, else plain http (repeatable)");
  app.add_option("--registry-ca", raw.registry_ca,
                 "PEM file with certificates that registries may be signed by");

  const std::map<std::string, PodShapeChoice> shapes = {{"auto", PodShapeChoice::Auto},
                                                        {"userns", PodShapeChoice::UserNamespace},
                                                        {"newuidmap", PodShapeChoice::NewUidMap}};
  app.add_option("--pod-shape", options.pod_shape,
                 "auto | userns (pod user namespaces, Kubernetes 1.33) | newuidmap (any version)")
      ->transform(CLI::CheckedTransformer(shapes).description(""));
  app.add_flag("--proc-mount-unmasked", options.pod.proc_mount_unmasked,
               "give newuidmap pods a fresh /proc (needs the cluster's ProcMountType)");
  app.add_option("--seccomp-profile", options.pod.seccomp_profile,
                 "Localhost profile of the builder's pods, below the kubelet's seccomp folder")
      ->capture_default_str();
  app.add_option("--builder-cpu-request", raw.cpu_request,
                 "CPU request of the builder's pods; \"\": none")
      ->capture_default_str();
  app.add_option("--builder-memory-request", raw.memory_request, "memory request; \"\": none")
      ->capture_default_str();
  app.add_option("--builder-cpu-limit", raw.cpu_limit, "CPU limit; default: none");
  app.add_option("--builder-memory-limit", raw.memory_limit, "memory limit; default: none");

  app.add_flag("--metrics-layers", options.metrics_layers,
               "export the sizes of each image's ten largest layers (ten more series an image)");
  app.add_option("--metrics-address", options.metrics_address,
                 "HOST:PORT of /metrics, /healthz and /readyz")
      ->capture_default_str();
  CLI::Option* page = app.add_flag("--page", options.page,
                                   "serve a read-only page about every image, without "
                                   "authentication (docs/guides/page.md)");
  app.add_option("--page-address", options.page_address,
                 "HOST:PORT of the page; a loopback address is reached with kubectl port-forward")
      ->needs(page)
      ->capture_default_str();
  app.add_option("--page-host", options.page_hosts,
                 "name the page may be asked by, beside localhost (repeatable); default: any, but "
                 "none on a loopback address")
      ->needs(page);
  app.add_flag("--leader-elect", options.leader_elect, "run several replicas, of which one writes");
  app.add_option("--leader-election-namespace", options.leader_election_namespace,
                 "namespace of the Lease; default: the pod's");
  const std::map<std::string, LogFormat> formats = {{"text", LogFormat::Text},
                                                    {"json", LogFormat::JsonLines}};
  app.add_option("--log-format", options.log_format, "text | json")
      ->transform(CLI::CheckedTransformer(formats).description(""));
  const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::Debug},
                                                  {"info", LogLevel::Info},
                                                  {"warn", LogLevel::Warn},
                                                  {"error", LogLevel::Error}};
  app.add_option("--log-level", options.log_level, "debug | info | warn | error")
      ->transform(CLI::CheckedTransformer(levels).description(""));
}

Result<void> add_mirrors(const Raw& raw, OperatorOptions& options) {
  for (const std::string& text : raw.mirrors) {
    auto mirror = TRY_CONTEXT(registry::Mirror::parse(text), "--registry-mirror");
    options.pod.registries.mirrors.push_back({mirror.host, mirror.url});
  }
  return {};
}

Result<void> add_resources(const Raw& raw, OperatorOptions& options) {
  Json resources = Json::object();
  auto put = [&](const char* kind, const char* name, const std::string& value) {
    if (!value.empty()) resources[kind][name] = value;
  };
  put("requests", "cpu", raw.cpu_request);
  put("requests", "memory", raw.memory_request);
  put("limits", "cpu", raw.cpu_limit);
  put("limits", "memory", raw.memory_limit);
  for (const std::string& memory : {raw.memory_request, raw.memory_limit})
    if (!memory.empty()) TRY_CONTEXT(parse_quantity(memory), "--builder-memory-…");
  options.pod.default_resources = std::move(resources);
  return {};
}

Result<void> finish(const Raw& raw, OperatorOptions& options) {
  if (auto mirrors = add_mirrors(raw, options); !mirrors) return mirrors;
  if (auto resources = add_resources(raw, options); !resources) return resources;
  options.pod.pending_timeout =
      TRY_CONTEXT(parse_duration(raw.pending_timeout), "--pending-timeout");
  // Below the annotations' 256 KiB with room for the rest of the request.
  if (raw.registry_ca.empty()) return {};
  options.pod.registries.ca = TRY_CONTEXT(read_file(raw.registry_ca, 128u << 10), "--registry-ca");
  TRY_CONTEXT(http::check_certificates(options.pod.registries.ca),
              "--registry-ca " + raw.registry_ca);
  return {};
}

}  // namespace

std::variant<OperatorOptions, int> parse_options(int argc, char** argv) {
  OperatorOptions options;
  Raw raw;
  CLI::App app("Keeps the images that ImageBuild objects ask for built, pushed and measured.",
               "imagebuild-operator");
  app.set_version_flag("--version", std::string("imagebuild-operator ") + IMAGEBUILD_VERSION);
  app.get_formatter()->column_width(36);
  add_flags(app, options, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (auto finished = finish(raw, options); !finished) {
    std::fprintf(stderr, "imagebuild-operator: %s\n", finished.error().message.c_str());
    return 2;
  }
  return options;
}

}  // namespace imagebuild
