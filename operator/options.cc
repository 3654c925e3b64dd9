#include "operator/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "common/base/byte_size.h"
#include "common/base/unique_fd.h"
#include "common/http/certificates.h"
#include "common/registry/client.h"

#ifndef IMAGEBUILD_VERSION
#define IMAGEBUILD_VERSION "unknown"
#endif

namespace imagebuild {
namespace {

/// What is text until everything is parsed.
struct Raw {
  std::vector<std::string> mirrors, node_selector;
  std::string registry_ca, pending_timeout = "10m", tolerations = "[]";
  std::string cpu_request = "100m", memory_request = "128Mi", cpu_limit, memory_limit;
  std::string lease_duration = "15s", renew_deadline = "10s", retry_period = "2s";
};

const CLI::Validator kNotEmpty(
    [](const std::string& text) { return text.empty() ? "must not be empty" : ""; }, "");

const CLI::Validator kObjectName(
    [](const std::string& text) {
      const bool good =
          !text.empty() && text.size() <= 253 &&
          text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos &&
          std::isalnum(text.front()) && std::isalnum(text.back());
      return good ? "" : "'" + text + "' is not an object's name";
    },
    "");

void add_scope_flags(CLI::App& app, OperatorOptions& options) {
  app.add_option(
      "--kubeconfig", options.kubeconfig,
      "kubeconfig file; default: $KUBECONFIG, the pod's service account, ~/.kube/config");
  app.add_option("--context", options.context,
                 "context of the kubeconfig; default: its current one");
  app.add_option("--watch-namespaces", options.namespaces, "namespaces to look after; default: all")
      ->delimiter(',')
      ->check(kNotEmpty);
}

void add_limit_flags(CLI::App& app, OperatorOptions& options) {
  app.add_option("--max-concurrent-builds", options.limits.total,
                 "builds that run at once; 0: no limit")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  app.add_option("--max-concurrent-builds-per-namespace", options.limits.per_namespace,
                 "builds of a namespace that run at once; 0: no limit")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  app.add_option("--workers", options.workers, "ImageBuilds that are looked at at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
}

void add_pod_flags(CLI::App& app, OperatorOptions& options, Raw& raw) {
  app.add_option("--builder-image", options.pod.builder_image, "image of the builder's pods")
      ->required()
      ->check(kNotEmpty);
  app.add_option("--builder-image-pull-policy", options.pod.image_pull_policy,
                 "pull policy of that image")
      ->check(CLI::IsMember({"Always", "IfNotPresent", "Never"}))
      ->capture_default_str();
  app.add_option("--pending-timeout", raw.pending_timeout,
                 "how long a pod may wait for its start before Ready turns False")
      ->capture_default_str();
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
      ->check(kNotEmpty)
      ->capture_default_str();
}

void add_resource_flags(CLI::App& app, Raw& raw) {
  app.add_option("--builder-cpu-request", raw.cpu_request,
                 "CPU request of the builder's pods; \"\": none")
      ->capture_default_str();
  app.add_option("--builder-memory-request", raw.memory_request, "memory request; \"\": none")
      ->capture_default_str();
  app.add_option("--builder-cpu-limit", raw.cpu_limit, "CPU limit; default: none");
  app.add_option("--builder-memory-limit", raw.memory_limit, "memory limit; default: none");
}

void add_placement_flags(CLI::App& app, Raw& raw) {
  app.add_option("--builder-node-selector", raw.node_selector,
                 "KEY=VALUE: a label of the nodes that builds run on, unless spec.pod.nodeSelector "
                 "has the same key (repeatable)");
  app.add_option("--builder-tolerations", raw.tolerations,
                 "JSON list of tolerations, beside those of spec.pod.tolerations, e.g. "
                 R"([{"key": "builds", "operator": "Exists"}])")
      ->capture_default_str();
}

void add_registry_flags(CLI::App& app, OperatorOptions& options, Raw& raw) {
  app.add_option("--registry-mirror", raw.mirrors,
                 "HOST=URL: pull HOST's images from URL first, e.g. docker.io=https://mirror:5000 "
                 "(repeatable)");
  app.add_option("--insecure-registry", options.pod.registries.insecure,
                 "HOST[:PORT]: https that is not verified, else plain http (repeatable)")
      ->check(kNotEmpty);
  app.add_option("--registry-ca", raw.registry_ca,
                 "PEM file with certificates that registries may be signed by");
  app.add_option("--default-push-secret", options.pod.push_secret,
                 "Secret of registry credentials, in the ImageBuild's namespace, for one without "
                 "spec.registries.secretRefs; default: none")
      ->check(kObjectName);
}

void add_serving_flags(CLI::App& app, OperatorOptions& options) {
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
      ->needs(page)
      ->check(kNotEmpty);
}

void add_election_flags(CLI::App& app, OperatorOptions& options, Raw& raw) {
  CLI::Option* elect = app.add_flag("--leader-elect", options.leader_elect,
                                    "run several replicas, of which one writes");
  app.add_option("--leader-election-namespace", options.leader_election_namespace,
                 "namespace of the Lease; default: the pod's")
      ->needs(elect);
  app.add_option("--leader-election-lease-duration", raw.lease_duration,
                 "how long others leave a leader alone that does not renew its Lease")
      ->needs(elect)
      ->capture_default_str();
  app.add_option("--leader-election-renew-deadline", raw.renew_deadline,
                 "when a leader that cannot renew it stops writing; below the lease's duration")
      ->needs(elect)
      ->capture_default_str();
  app.add_option("--leader-election-retry-period", raw.retry_period, "between two renewals")
      ->needs(elect)
      ->capture_default_str();
}

void add_log_flags(CLI::App& app, OperatorOptions& options) {
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

void add_flags(CLI::App& app, OperatorOptions& options, Raw& raw) {
  add_scope_flags(app, options);
  add_limit_flags(app, options);
  add_pod_flags(app, options, raw);
  add_resource_flags(app, raw);
  add_placement_flags(app, raw);
  add_registry_flags(app, options, raw);
  add_serving_flags(app, options);
  add_election_flags(app, options, raw);
  add_log_flags(app, options);
}

/// The arguments as CLI11 wants them, last first. "--flag=" becomes two, for CLI11 2.1 takes the
/// next argument for the value of a flag whose "=" has nothing behind it.
std::vector<std::string> arguments_of(int argc, char** argv, const CLI::App& app) {
  std::vector<std::string> result;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool nothing = argument.find('=') == argument.size() - 1;
    const std::string flag = argument.substr(0, argument.size() - nothing);
    if (nothing && app.get_option_no_throw(flag) != nullptr) {
      result.push_back(flag);
      result.emplace_back();
    } else {
      result.push_back(argument);
    }
  }
  std::reverse(result.begin(), result.end());
  return result;
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

Result<void> add_placement(const Raw& raw, OperatorOptions& options) {
  options.pod.placement.node_selector =
      TRY_CONTEXT(controller::parse_node_selector(raw.node_selector), "--builder-node-selector");
  options.pod.placement.tolerations =
      TRY_CONTEXT(controller::parse_tolerations(raw.tolerations), "--builder-tolerations");
  return {};
}

Result<void> add_timing(const Raw& raw, OperatorOptions& options) {
  runtime::LeaderElectionTiming& timing = options.leader_election_timing;
  timing.lease_duration =
      TRY_CONTEXT(parse_duration(raw.lease_duration), "--leader-election-lease-duration");
  timing.renew_deadline =
      TRY_CONTEXT(parse_duration(raw.renew_deadline), "--leader-election-renew-deadline");
  timing.retry_period =
      TRY_CONTEXT(parse_duration(raw.retry_period), "--leader-election-retry-period");
  TRY_CONTEXT(timing.check(), "--leader-election-…");
  return {};
}

Result<void> add_authorities(const Raw& raw, OperatorOptions& options) {
  if (raw.registry_ca.empty()) return {};
  // Below the annotations' 256 KiB with room for the rest of the request.
  options.pod.registries.ca = TRY_CONTEXT(read_file(raw.registry_ca, 128u << 10), "--registry-ca");
  TRY_CONTEXT(http::check_certificates(options.pod.registries.ca),
              "--registry-ca " + raw.registry_ca);
  return {};
}

Result<void> check_addresses(const OperatorOptions& options) {
  for (const auto& [flag, address] : {std::pair("--metrics-address", options.metrics_address),
                                      std::pair("--page-address", options.page_address)})
    if (address.find(':') != address.rfind(':'))
      return fail(ErrorKind::InvalidInput,
                  std::string(flag) + ": '" + address +
                      "' is an IPv6 address, and only IPv4 ones can be listened on: "
                      "0.0.0.0:PORT is all of them");
  return {};
}

Result<void> finish(const Raw& raw, OperatorOptions& options) {
  for (auto* add : {add_mirrors, add_resources, add_placement, add_timing, add_authorities})
    if (auto added = add(raw, options); !added) return added;
  options.pod.pending_timeout =
      TRY_CONTEXT(parse_duration(raw.pending_timeout), "--pending-timeout");
  return check_addresses(options);
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
    app.parse(arguments_of(argc, argv, app));
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
