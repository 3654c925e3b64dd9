#include "operator/controller/builder_pod.h"

#include "operator/controller/identity.h"
#include "operator/controller/pod_view.h"

namespace imagebuild::controller {
namespace {

constexpr const char* kRequestDirectory = "/etc/imagebuild/request";
constexpr const char* kSecrets = "/etc/imagebuild/secrets";

std::string registry_directory(std::size_t index) {
  return std::string(kSecrets) + "/registry-" + std::to_string(index);
}

std::string build_secret_directory(std::size_t index) {
  return std::string(kSecrets) + "/build-" + std::to_string(index);
}

const api::GitSource* git_of(const api::Spec& spec) {
  return std::get_if<api::GitSource>(&spec.source);
}

/// The settings that both shapes share: nothing beyond the two capabilities,
/// our own seccomp profile.
Json security_context(const PodSettings& settings) {
  const bool userns = settings.shape == PodShape::UserNamespace;
  Json context = {
      {"allowPrivilegeEscalation", !userns},  // newuidmap's file capabilities need no_new_privs off
      {"capabilities", {{"drop", {"ALL"}}, {"add", {"SETUID", "SETGID"}}}},
      {"privileged", false},
      {"readOnlyRootFilesystem", true},
      {"runAsUser", userns ? 0 : 1000},
      {"runAsGroup", userns ? 0 : 1000},
      {"seccompProfile", {{"type", "Localhost"}, {"localhostProfile", settings.seccomp_profile}}},
  };
  if (!userns) context["runAsNonRoot"] = true;
  if (userns || settings.proc_mount_unmasked) context["procMount"] = "Unmasked";
  return context;
}

struct Volumes {
  Json volumes = Json::array(), mounts = Json::array();

  void add(const std::string& name, Json source, const std::string& path, bool read_only) {
    source["name"] = name;
    volumes.push_back(std::move(source));
    Json mount = {{"name", name}, {"mountPath", path}};
    if (read_only) mount["readOnly"] = true;
    mounts.push_back(std::move(mount));
  }
};

Volumes make_volumes(const api::Spec& spec) {
  Volumes volumes;
  volumes.add("work", {{"emptyDir", Json::object()}}, "/work", false);
  volumes.add("tmp", {{"emptyDir", Json::object()}}, "/tmp", false);
  const std::string field = std::string("metadata.annotations['") + kRequestAnnotation + "']";
  volumes.add(
      "request",
      {{"downwardAPI",
        {{"items", Json::array({{{"path", "request.json"},
                                 {"fieldRef", {{"apiVersion", "v1"}, {"fieldPath", field}}}}})}}}},
      kRequestDirectory, true);
  // Optional, so that a missing Secret is a build failure that names it,
  // and not a pod that never starts.
  const auto& secrets = spec.registries.secret_refs;
  for (std::size_t i = 0; i < secrets.size(); ++i)
    volumes.add(
        "registry-" + std::to_string(i),
        {{"secret", {{"secretName", secrets[i]}, {"optional", true}, {"defaultMode", 0444}}}},
        registry_directory(i), true);
  if (const auto* git = git_of(spec); git != nullptr && !git->secret_ref.empty())
    volumes.add(
        "git",
        {{"secret", {{"secretName", git->secret_ref}, {"optional", true}, {"defaultMode", 0444}}}},
        std::string(kSecrets) + "/git", true);
  for (std::size_t i = 0; i < spec.secrets.size(); ++i) {
    const api::BuildSecret& secret = spec.secrets[i];
    volumes.add("build-secret-" + std::to_string(i),
                {{"secret",
                  {{"secretName", secret.name},
                   {"optional", true},
                   {"defaultMode", 0444},
                   {"items", Json::array({{{"key", secret.key}, {"path", secret.key}}})}}}},
                build_secret_directory(i), true);
  }
  if (spec.registries.ca_ref)
    volumes.add("registry-ca",
                {{"configMap", {{"name", spec.registries.ca_ref->name}, {"optional", true}}}},
                std::string(kSecrets) + "/ca", true);
  return volumes;
}

Json make_container(const api::Spec& spec, const PodSettings& settings, Json mounts) {
  Json container = {
      {"name", kContainer},
      {"image", settings.builder_image},
      {"imagePullPolicy", settings.image_pull_policy},
      {"command",
       {"imagebuild-builder", "build", "--request",
        std::string(kRequestDirectory) + "/request.json", "--termination-log",
        "/dev/termination-log"}},
      {"workingDir", "/work"},
      {"env", Json::array({{{"name", "HOME"}, {"value", "/work"}},
                           {{"name", "TMPDIR"}, {"value", "/work"}}})},
      {"terminationMessagePath", "/dev/termination-log"},
      {"terminationMessagePolicy", "File"},
      {"securityContext", security_context(settings)},
      {"volumeMounts", std::move(mounts)},
  };
  const Json& resources =
      spec.pod.resources.is_null() ? settings.default_resources : spec.pod.resources;
  if (!resources.is_null() && !resources.empty()) container["resources"] = resources;
  return container;
}

Json make_metadata(const api::ImageBuild& object, const api::Spec& spec, const PodAttempt& attempt,
                   const std::string& request) {
  Json labels = spec.pod.labels;
  if (labels.is_null()) labels = Json::object();
  labels["app.kubernetes.io/name"] = "imagebuild-builder";
  labels["app.kubernetes.io/component"] = "builder";
  labels["app.kubernetes.io/part-of"] = "imagebuild";
  labels["app.kubernetes.io/managed-by"] = "imagebuild-operator";
  labels[kUidLabel] = object.uid;
  labels[kHashLabel] = attempt.hash8;
  labels[kAttemptLabel] = std::to_string(attempt.attempt);
  labels[kTriggerLabel] = attempt.trigger;
  Json annotations = spec.pod.annotations;
  if (annotations.is_null()) annotations = Json::object();
  annotations[kNameAnnotation] = object.name;
  annotations[kRequestAnnotation] = request;
  Json owner = {{"apiVersion", api::kApiVersion},
                {"kind", api::kKind},
                {"name", object.name},
                {"uid", object.uid},
                {"controller", true},
                {"blockOwnerDeletion", true}};
  return {{"name", attempt.name},
          {"namespace", object.name_space},
          {"labels", labels},
          {"annotations", annotations},
          {"ownerReferences", Json::array({owner})}};
}

contract::BuildRequest make_build_request(const api::ImageBuild& object, const api::Spec& spec,
                                          const PodAttempt& attempt, const PodSettings& settings) {
  contract::BuildRequest request{
      .name_space = object.name_space, .name = object.name, .spec = spec};
  // The pod's shape was chosen for it: the builder must not fall back to anything else.
  request.run = {.isolation = api::Isolation::Overlay, .baseline_bytes = attempt.baseline_bytes};
  request.registries = settings.registries;
  request.resolved = {.commit = attempt.commit,
                      .revision = attempt.revision,
                      .bases = {},
                      .tags = tags_to_push(spec, attempt.commit, attempt.hash8)};
  const auto& secrets = spec.registries.secret_refs;
  for (std::size_t i = 0; i < secrets.size(); ++i)
    request.files.registry_auth.push_back(
        {secrets[i], registry_directory(i) + "/.dockerconfigjson"});
  if (spec.registries.ca_ref)
    request.files.registry_ca = contract::MountedFile{
        spec.registries.ca_ref->name, std::string(kSecrets) + "/ca/" + spec.registries.ca_ref->key};
  if (const auto* git = git_of(spec); git != nullptr && !git->secret_ref.empty())
    request.files.git_auth = contract::MountedFile{git->secret_ref, std::string(kSecrets) + "/git"};
  for (std::size_t i = 0; i < spec.secrets.size(); ++i)
    request.files.build_secrets.push_back(
        {spec.secrets[i].name, build_secret_directory(i) + "/" + spec.secrets[i].key});
  return request;
}

/// Credentials are no part of what is built, so a default for them starts no build.
api::Spec with_push_secret(api::Spec spec, const PodSettings& settings) {
  if (spec.registries.secret_refs.empty() && !settings.push_secret.empty())
    spec.registries.secret_refs = {settings.push_secret};
  return spec;
}

void put(Json& object, const char* field, const std::string& text) {
  if (!text.empty()) object[field] = text;
}

}  // namespace

std::string_view to_string(PodShape shape) {
  return shape == PodShape::UserNamespace ? "userns" : "newuidmap";
}

Json make_builder_pod(const api::ImageBuild& object, const api::Spec& given,
                      const PodAttempt& attempt, const PodSettings& settings) {
  const api::Spec spec = with_push_secret(given, settings);
  Volumes volumes = make_volumes(spec);
  const std::string request =
      contract::encode_request(make_build_request(object, spec, attempt, settings));
  // It counts scheduling and the image pull as well; the builder's own timer is spec.timeout.
  const Duration deadline = spec.timeout + settings.pending_timeout + std::chrono::seconds(60);
  Json pod_spec = {
      {"restartPolicy", "Never"},
      {"activeDeadlineSeconds", deadline.count() / 1000},
      {"automountServiceAccountToken", false},
      {"enableServiceLinks", false},
      {"terminationGracePeriodSeconds", 10},
      {"containers", Json::array({make_container(spec, settings, std::move(volumes.mounts))})},
      {"volumes", std::move(volumes.volumes)},
  };
  if (settings.shape == PodShape::UserNamespace) pod_spec["hostUsers"] = false;
  put(pod_spec, "serviceAccountName", spec.pod.service_account_name);
  put(pod_spec, "priorityClassName", spec.pod.priority_class_name);
  put(pod_spec, "runtimeClassName", spec.pod.runtime_class_name);
  place(pod_spec, settings.placement, spec.pod);
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", make_metadata(object, spec, attempt, request)},
          {"spec", std::move(pod_spec)}};
}

}  // namespace imagebuild::controller
