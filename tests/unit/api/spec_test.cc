#include "common/api/spec.h"

#include "common/yaml/yaml.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::api;

namespace {

/// A valid spec with one more line, or with the line instead of the one of that field.
Result<Spec> spec_with(const std::string& extra) {
  std::string text;
  if (extra.find("source:") != 0) text += "source: {inline: {files: {Dockerfile: FROM scratch}}}\n";
  if (extra.find("image:") != 0) text += "image: registry.acme.io/web\n";
  auto json = parse_yaml(text + extra);
  if (!json) return json.error();
  return spec_from_json(*json);
}

}  // namespace

TEST_CASE("the smallest useful spec is valid and gets its defaults in code, not in the object") {
  auto spec = spec_from_json(*parse_yaml(
      "{source: {git: {url: https://github.com/acme/web}}, image: registry.acme.io/web}"));
  REQUIRE(spec.ok());
  CHECK(spec->timeout == std::chrono::hours(1));
  CHECK(spec->retries == 2);
  CHECK(spec->history.failed == 3);
  CHECK_FALSE(spec->timestamp.has_value());
  CHECK(image_tags(*spec) == std::vector<std::string>{"latest"});
  CHECK(
      spec_to_json(*spec).dump() ==
      R"({"image":"registry.acme.io/web","source":{"git":{"url":"https://github.com/acme/web"}}})");
}

TEST_CASE("every field survives encoding and decoding") {
  const char* text = R"(
source: {git: {url: "https://h/x.git", ref: {tag: v1}, secretRef: {name: g}}}
path: a/b
dockerfile: docker/Dockerfile
target: runtime
args: [{name: A, value: "1"}, {name: B, value: ""}]
image: localhost:5000/team/web:main
tags: [main, v1]
registries: {secretRefs: [{name: r}], caRef: {name: ca, key: bundle.pem}, insecure: ["localhost:5000"]}
labels: {team: shop}
annotations: {note: x}
timestamp: Zero
network: None
timeout: 90s
retries: 0
suspend: true
history: {successful: 2, failed: 0, ttl: 1h}
pod: {serviceAccountName: b, resources: {limits: {memory: 1Gi}}, tolerations: [{operator: Exists}], nodeSelector: {a: b},
      labels: {x: y}, annotations: {p: q}, priorityClassName: low, runtimeClassName: kata, isolation: Overlay}
)";
  auto spec = spec_from_json(*parse_yaml(text));
  REQUIRE(spec.ok());
  auto again = spec_from_json(spec_to_json(*spec));
  REQUIRE(again.ok());
  CHECK(spec_to_json(*again) == spec_to_json(*spec));
  CHECK(again->registries.ca_ref->key == "bundle.pem");
  CHECK(again->history.ttl == std::chrono::hours(1));
  CHECK(image_repository(*again) == "localhost:5000/team/web");
  CHECK(image_tags(*again) == std::vector<std::string>{"main", "v1"});
}

TEST_CASE("what is wrong with a spec is named by its field") {
  struct Row {
    const char* extra;
    const char* message;
  };
  const Row rows[] = {
      {"source: {}", "spec.source: exactly one of git, inline, oci"},
      {"source: {oci: {ref: 'r.io/web:1'}}",
       "spec.source.oci.ref: must name a digest (repository@sha256:…): a tag may move"},
      {"source: {oci: {}}", "spec.source.oci.ref: is required"},
      {"source: {git: {url: https://h/x}, inline: {files: {a: b}}}",
       "spec.source: exactly one of git, inline, oci"},
      {"source: {http: {url: https://h}}", "spec.source: exactly one of git, inline, oci"},
      {"source: {git: {url: 'ssh://git@h/x'}}",
       "spec.source.git.url: expected http:// or https:// (other transports are not supported)"},
      {"source: {git: {url: 'https://u:p@h/x'}}",
       "spec.source.git.url: must not contain credentials; use secretRef"},
      {"source: {git: {url: 'http://169.254.169.254/latest'}}",
       "spec.source.git.url: link-local addresses are refused"},
      {"source: {git: {url: https://h/x, ref: {branch: a, tag: b}}}",
       "spec.source.git.ref: exactly one of branch, tag, commit"},
      {"source: {git: {url: https://h/x, ref: {branch: --upload-pack=x}}}",
       "spec.source.git.ref.branch: not a valid branch name"},
      {"source: {git: {url: https://h/x, ref: {commit: 12ab}}}",
       "spec.source.git.ref.commit: expected 40 or 64 lower-case hexadecimal digits"},
      {"source: {git: {url: https://h/x, interval: 5m}}",
       "spec.source.git.interval: unknown field"},
      {"source: {inline: {files: {}}}", "spec.source.inline.files: must not be empty"},
      {"source: {inline: {files: {../etc/passwd: x}}}",
       "spec.source.inline.files.../etc/passwd: not a relative path"},
      {"source: {inline: {files: {/abs: x}}}",
       "spec.source.inline.files./abs: not a relative path"},
      {"path: ../up", "spec.path: not a relative path below the source"},
      {"dockerfile: /etc/Dockerfile", "spec.dockerfile: not a relative path below the source"},
      {"image: ''", "spec.image: must not be empty"},
      {"image: r/w@sha256:0000000000000000000000000000000000000000000000000000000000000000",
       "spec.image: must not name a digest: the build makes it"},
      {"tags: ['a b']", "spec.tags: \"a b\" is not a valid tag"},
      {"tags: [1.20]", "spec.tags[0]: expected a string"},
      {"args: [{name: V, value: 1}]", "spec.args[0].value: expected a string (put it in quotes)"},
      {"args: [{name: V}, {name: V}]", "spec.args[1].name: \"V\" is given twice"},
      {"secrets: [{id: a b, secretRef: {name: s, key: k}}]",
       "spec.secrets[0].id: letters, digits, ., _ and - only"},
      {"secrets: [{id: a}]", "spec.secrets[0].secretRef: is required"},
      {"secrets: [{id: a, secretRef: {name: S, key: k}}]",
       "spec.secrets[0].secretRef.name: not a valid object name"},
      {"secrets: [{id: a, secretRef: {name: s, key: ..}}]",
       "spec.secrets[0].secretRef.key: not a valid key"},
      {"secrets: [{id: a, secretRef: {name: s, key: k}}, {id: a, secretRef: {name: s, key: k}}]",
       "spec.secrets[1].id: \"a\" is given twice"},
      {"args: [{name: '1V'}]", "spec.args[0].name: letters, digits and _ only"},
      {"network: Host", "spec.network: \"Host\" is not one of Default, None"},
      {"timestamp: yesterday",
       "spec.timestamp: expected Source, Build, Zero or seconds since 1970 in quotes"},
      {"timeout: fast", "spec.timeout: expected a duration such as 90s, 5m or 1h30m"},
      {"timeout: 0s", "spec.timeout: expected 1s to 168h"},
      {"retries: -1", "spec.retries: expected an integer from 0 to 10"},
      {"suspend: 'no'", "spec.suspend: expected true or false"},
      {"registries: {secretRefs: [{name: UPPER}]}",
       "spec.registries.secretRefs[0].name: not a valid object name"},
      {"registries: {insecure: ['http://h']}",
       "spec.registries.insecure: \"http://h\" is not HOST or HOST:PORT"},
      {"pod: {isolation: Chroot}", "spec.pod.isolation: \"Chroot\" is not one of Auto, Overlay"},
      {"pod: {labels: {imagebuild.dev/uid: x}}",
       "spec.pod.labels: \"imagebuild.dev/uid\" belongs to the operator"},
      {"compression: {format: xz}",
       "spec.compression.format: \"xz\" is not one of gzip, zstd, none"},
      {"compression: {level: 13}", "spec.compression.level: expected an integer from 1 to 12"},
      {"compression: {format: zstd, level: 20}",
       "spec.compression.level: expected an integer from 1 to 19"},
      {"compression: {kind: zstd}", "spec.compression.kind: unknown field"},
      {"compression: {format: none, level: 1}", "spec.compression.level: none has no level"},
      {"output: {format: oci}", "spec.output: unknown field"},
      {"platforms: [linux/arm64]", "spec.platforms: unknown field"},
  };
  for (const Row& row : rows) {
    INFO(row.extra);
    auto spec = spec_with(row.extra);
    REQUIRE_FALSE(spec.ok());
    CHECK(spec.error().kind == ErrorKind::InvalidInput);
    CHECK(spec.error().message == row.message);
  }
}

TEST_CASE("inline files are bounded") {
  auto files = [](std::size_t bytes) {
    return spec_from_json(
        {{"image", "r/w"},
         {"source", {{"inline", {{"files", {{"Dockerfile", std::string(bytes, 'x')}}}}}}}});
  };
  CHECK(files(60'000).ok());
  CHECK(files(70'000).error().message == "spec.source.inline.files: more than 64 KiB in all");
}
