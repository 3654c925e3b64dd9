#include "operator/controller/builder_pod.h"

#include <cstdlib>

#include "common/base/unique_fd.h"
#include "tests/support/catch.h"
#include "tests/unit/controller/builders.h"

using namespace imagebuild;
using namespace imagebuild::controller;
using namespace imagebuild::controller::testing;

namespace {

api::ImageBuild full_object() {
  Json object = inline_object();
  object["spec"]["source"] = {
      {"git", {{"url", "https://github.com/acme/web"}, {"secretRef", {{"name", "git"}}}}}};
  object["spec"]["registries"] = {{"secretRefs", {{{"name", "push"}}, {{"name", "pull"}}}},
                                  {"caRef", {{"name", "ca"}}}};
  object["spec"]["timeout"] = "30m";
  object["spec"]["pod"] = {{"serviceAccountName", "builder"},
                           {"nodeSelector", {{"disk", "ssd"}}},
                           {"tolerations", {{{"operator", "Exists"}}}},
                           {"labels", {{"team", "shop"}}},
                           {"annotations", {{"note", "x"}}},
                           {"priorityClassName", "low"},
                           {"resources", {{"limits", {{"memory", "1Gi"}}}}}};
  return api::imagebuild_from_json(object);
}

Json pod_of(PodShape shape) {
  api::ImageBuild object = full_object();
  PodSettings pod_settings = settings();
  pod_settings.shape = shape;
  return make_builder_pod(
      object, *object.spec,
      {.name = "web-12345678-1", .hash8 = "12345678", .trigger = "Spec", .attempt = 1},
      pod_settings);
}

/// IMAGEBUILD_ACCEPT=1 writes the file anew.
void check_golden(const std::string& name, const Json& value) {
  const std::string path = std::string(IMAGEBUILD_SOURCE_DIR) + "/tests/golden/builder_pod/" + name;
  const std::string text = dump_json(value, 2) + "\n";
  if (std::getenv("IMAGEBUILD_ACCEPT") != nullptr) REQUIRE(write_file_atomically(path, text).ok());
  auto expected = read_file(path);
  REQUIRE(expected.ok());
  CHECK(text == *expected);
}

}  // namespace

TEST_CASE("the pod of each shape is the golden one") {
  check_golden("userns.json", pod_of(PodShape::UserNamespace));
  check_golden("newuidmap.json", pod_of(PodShape::NewUidMap));
}

TEST_CASE("no shape is privileged, and each gives exactly what its isolation needs") {
  for (PodShape shape : {PodShape::UserNamespace, PodShape::NewUidMap}) {
    const Json pod = pod_of(shape);
    const Json& context = pod["spec"]["containers"][0]["securityContext"];
    CHECK(context["privileged"] == false);
    CHECK(context["capabilities"]["drop"] == Json::array({"ALL"}));
    CHECK(context["capabilities"]["add"] == Json::array({"SETUID", "SETGID"}));
    CHECK(context["seccompProfile"]["type"] == "Localhost");
    CHECK(pod["spec"]["automountServiceAccountToken"] == false);
    CHECK(pod["spec"]["restartPolicy"] == "Never");
    CHECK_FALSE(pod["spec"].contains("hostNetwork"));
    // uid 0 only inside a user namespace, escalation only outside.
    const bool userns = shape == PodShape::UserNamespace;
    CHECK((context["runAsUser"] == 0) == userns);
    CHECK(pod["spec"].contains("hostUsers") == userns);
    CHECK((context["allowPrivilegeEscalation"] == true) == !userns);
  }
}

TEST_CASE("the deadline covers the pull: time-out, pending time-out and a minute") {
  CHECK(pod_of(PodShape::NewUidMap)["spec"]["activeDeadlineSeconds"] == 30 * 60 + 10 * 60 + 60);
}

TEST_CASE("no secret value is in the pod, and a missing Secret does not keep it from starting") {
  const Json pod = pod_of(PodShape::NewUidMap);
  for (const Json& volume : pod["spec"]["volumes"])
    if (volume.contains("secret")) CHECK(volume["secret"]["optional"] == true);
  auto request = contract::parse_request(
      pod["metadata"]["annotations"][kRequestAnnotation].get<std::string>());
  REQUIRE(request.ok());
  CHECK(request->files.registry_auth[1].name == "pull");
  CHECK(request->files.registry_auth[1].path ==
        "/etc/imagebuild/secrets/registry-1/.dockerconfigjson");
  CHECK(request->files.registry_ca->path == "/etc/imagebuild/secrets/ca/ca.crt");
  CHECK(request->registries.mirrors[0].host == "docker.io");
}

TEST_CASE("a secret of RUN is one mounted key, and the request says where it lies") {
  Json json = inline_object();
  json["spec"]["secrets"] = {
      {{"id", "npmrc"}, {"secretRef", {{"name", "npm"}, {"key", ".npmrc"}}}}};
  const api::ImageBuild object = api::imagebuild_from_json(json);
  REQUIRE(object.spec.ok());
  const Json pod = make_builder_pod(object, *object.spec, {}, settings());
  const Json volume = *std::find_if(pod["spec"]["volumes"].begin(), pod["spec"]["volumes"].end(),
                                    [](const Json& one) { return one.contains("secret"); });
  CHECK(volume["secret"]["secretName"] == "npm");
  CHECK(volume["secret"]["optional"] == true);
  CHECK(volume["secret"]["items"] == Json::array({{{"key", ".npmrc"}, {"path", ".npmrc"}}}));
  auto request = contract::parse_request(
      pod["metadata"]["annotations"][kRequestAnnotation].get<std::string>());
  REQUIRE(request.ok());
  REQUIRE(request->files.build_secrets.size() == 1);
  CHECK(request->files.build_secrets[0].name == "npm");
  CHECK(request->files.build_secrets[0].path == "/etc/imagebuild/secrets/build-0/.npmrc");
  REQUIRE(request->spec.secrets.size() == 1);
  CHECK(request->spec.secrets[0].id == "npmrc");
}

TEST_CASE("the pod goes where the operator and its ImageBuild send it") {
  api::ImageBuild object = full_object();
  PodSettings pod_settings = settings();
  pod_settings.placement = {.node_selector = {{"pool", "builds"}},
                            .tolerations = Json::array({{{"key", "builds"}}})};
  const Json pod = make_builder_pod(object, *object.spec, {}, pod_settings);
  CHECK(pod["spec"]["nodeSelector"] == Json({{"disk", "ssd"}, {"pool", "builds"}}));
  CHECK(pod["spec"]["tolerations"] == Json::array({{{"key", "builds"}}, {{"operator", "Exists"}}}));
}

TEST_CASE("the default push secret serves an ImageBuild that names none, and only that") {
  PodSettings pod_settings = settings();
  pod_settings.push_secret = "registry-push";
  auto secrets_of = [&](const api::ImageBuild& object) {
    const Json pod = make_builder_pod(object, *object.spec, {}, pod_settings);
    std::vector<std::string> mounted, told;
    for (const Json& volume : pod["spec"]["volumes"])
      if (volume.contains("secret") && volume["name"] != "git")
        mounted.push_back(volume["secret"]["secretName"]);
    auto request = contract::parse_request(
        pod["metadata"]["annotations"][kRequestAnnotation].get<std::string>());
    REQUIRE(request.ok());
    for (const auto& file : request->files.registry_auth) told.push_back(file.name);
    CHECK(request->spec.registries.secret_refs == told);
    CHECK(mounted == told);
    return told;
  };
  CHECK(secrets_of(api::imagebuild_from_json(inline_object())) ==
        std::vector<std::string>{"registry-push"});
  CHECK(secrets_of(full_object()) == std::vector<std::string>{"push", "pull"});
  pod_settings.push_secret.clear();
  CHECK(secrets_of(api::imagebuild_from_json(inline_object())).empty());
}

TEST_CASE("labels hold 63 bytes, so names do not go there") {
  Json object = inline_object(std::string(253, 'n'));
  api::ImageBuild build = api::imagebuild_from_json(object);
  Json pod = make_builder_pod(
      build, *build.spec,
      {.name = pod_name(build.name, "12345678", 12), .hash8 = "12345678", .attempt = 12},
      settings());
  CHECK(pod["metadata"]["name"].get<std::string>().size() <= 63);
  for (const auto& label : pod["metadata"]["labels"])
    CHECK(label.get<std::string>().size() <= (label == Json(build.uid) ? 300 : 63));
  CHECK(pod["metadata"]["annotations"][kNameAnnotation] == build.name);
}
