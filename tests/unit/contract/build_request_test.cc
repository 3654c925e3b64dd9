#include "common/contract/build_request.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::contract;

namespace {

const char* const kImageBuild = R"(
apiVersion: imagebuild.dev/v1alpha1
kind: ImageBuild
metadata: {name: web, namespace: shop, labels: {team: shop}}
spec:
  source: {git: {url: https://github.com/acme/web, ref: {branch: main}, secretRef: {name: git}}}
  path: services/web
  args: [{name: VERSION, value: "1.20"}]
  secrets: [{id: npmrc, secretRef: {name: npm, key: .npmrc}}]
  image: registry.acme.io/web:main
  tags: [v1]
  registries: {secretRefs: [{name: push}], insecure: [registry.acme.io]}
  timestamp: "1700000000"
  network: None
  timeout: 20m
  pod: {isolation: Overlay}
)";

}  // namespace

TEST_CASE("a plain ImageBuild is a request in which nothing is resolved") {
  auto request = parse_request(kImageBuild);
  REQUIRE(request.ok());
  CHECK(request->name == "web");
  CHECK(request->name_space == "shop");
  CHECK(std::get<api::GitSource>(request->spec.source).branch == "main");
  CHECK(request->spec.args[0].value == "1.20");
  CHECK(request->spec.timeout == std::chrono::minutes(20));
  CHECK(request->spec.timestamp->epoch == 1700000000);
  CHECK(request->spec.network == api::Network::None);
  CHECK(request->run.isolation == api::Isolation::Overlay);
  CHECK(request->resolved.commit.empty());
  CHECK(push_references(*request) ==
        std::vector<std::string>{"registry.acme.io/web:main", "registry.acme.io/web:v1"});
}

TEST_CASE("encoding and parsing a request gives the same request") {
  BuildRequest request = *parse_request(kImageBuild);
  request.run.baseline_bytes = 1234;
  request.registries = {
      {{"docker.io", "http://10.0.0.1:5000"}}, "PEM", {"10.0.0.1:5000", "registry.acme.io"}};
  request.resolved = {std::string(40, 'a'),
                      "main@sha1:aaaa",
                      {{"docker.io/library/alpine:3.10", "linux/amd64", "sha256:1"}},
                      {"sha-aaaaaaaaaaaa-12345678", "main"}};
  request.files = {{{"push", "/etc/imagebuild/secrets/registry-0/.dockerconfigjson"}},
                   MountedFile{"ca", "/etc/imagebuild/ca/ca.crt"},
                   MountedFile{"git", "/etc/imagebuild/secrets/git"},
                   {{"npm", "/etc/imagebuild/secrets/build-0/.npmrc"}}};
  std::string text = encode_request(request);
  auto again = parse_request(text);
  REQUIRE(again.ok());
  CHECK(encode_request(*again) == text);
  CHECK(again->registries.mirrors[0].url == "http://10.0.0.1:5000");
  CHECK(again->resolved.bases == request.resolved.bases);
  CHECK(again->files.git_auth->path == "/etc/imagebuild/secrets/git");
  CHECK(push_references(*again)[0] == "registry.acme.io/web:sha-aaaaaaaaaaaa-12345678");
  CHECK(insecure_hosts(*again) == std::vector<std::string>{"10.0.0.1:5000", "registry.acme.io"});
  CHECK(text.find("\"pod\"") == std::string::npos);
  CHECK(text.find('\n') == std::string::npos);
}

TEST_CASE("what is wrong with a request is said with its field") {
  struct Row {
    const char* text;
    const char* message;
  };
  const Row rows[] = {
      {"", "document: expected an object"},
      {"kind: ImageBuild", "apiVersion: expected imagebuild.dev/v1alpha1"},
      {"apiVersion: imagebuild.dev/v1alpha1\nkind: Pod",
       "kind: expected ImageBuild or BuildRequest"},
      {"apiVersion: imagebuild.dev/v1alpha1\nkind: ImageBuild\nspec: {}",
       "spec.source: is required"},
      {"apiVersion: imagebuild.dev/v1alpha1\nkind: ImageBuild\nsepc: {}", "sepc: unknown field"},
      {"apiVersion: imagebuild.dev/v1alpha1\nkind: ImageBuild\nresolved: {}\nspec: {}",
       "resolved: unknown field"},
      {"apiVersion: imagebuild.dev/v1alpha1\nkind: BuildRequest\nresolved: {bases: [{ref: "
       "a}]}\nspec: {}",
       "resolved.bases[0].platform: is required"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    auto request = parse_request(row.text);
    REQUIRE_FALSE(request.ok());
    CHECK(request.error().message == row.message);
  }
}
