// crds/imagebuild.yaml and common/api describe the same object: what the schema does not know is
// pruned in silence.
#include <set>

#include "common/api/status.h"
#include "common/base/unique_fd.h"
#include "common/yaml/yaml.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::api;

namespace {

/// Paths of a schema's properties: "source.git.url", "args[].name"; free maps end at their own
/// name.
void schema_paths(const Json& schema, const std::string& at, std::set<std::string>& paths) {
  if (schema.contains("properties"))
    for (const auto& [name, property] : schema["properties"].items())
      schema_paths(property, at.empty() ? name : at + "." + name, paths);
  else if (schema.contains("items"))
    schema_paths(schema["items"], at + "[]", paths);
  else
    paths.insert(at);
}

/// The same paths of a value; what lies below a path in `leaves` is not looked at.
void value_paths(const Json& value, const std::string& at, const std::set<std::string>& leaves,
                 std::set<std::string>& paths) {
  if (leaves.contains(at)) {
    paths.insert(at);
  } else if (value.is_object()) {
    for (const auto& [name, member] : value.items())
      value_paths(member, at.empty() ? name : at + "." + name, leaves, paths);
  } else if (value.is_array()) {
    for (const Json& item : value) value_paths(item, at + "[]", leaves, paths);
  } else {
    paths.insert(at);
  }
}

Json load_crd() {
  auto text = read_file(std::string(IMAGEBUILD_SOURCE_DIR) + "/crds/imagebuild.yaml");
  REQUIRE(text.ok());
  CHECK(text->size() < 64u << 10);
  auto crd = parse_yaml(*text);
  REQUIRE(crd.ok());
  return *crd;
}

Json schema_of(const char* part) {
  return load_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][part];
}

const char* const kEveryField = R"(
source: {git: {url: "https://h/x", ref: {tag: v1, branch: b, commit: c}, secretRef: {name: g}}, inline: {files: {Dockerfile: x}},
         oci: {ref: "r.io/x@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}
path: a
dockerfile: D
target: t
args: [{name: A, value: "1"}]
secrets: [{id: i, secretRef: {name: s, key: k}}]
image: r/w
tags: [a]
registries: {secretRefs: [{name: r}], caRef: {name: ca, key: k}, insecure: [h]}
labels: {a: b}
annotations: {a: b}
timestamp: Zero
compression: {format: zstd, level: 7}
network: None
timeout: 1h
retries: 1
suspend: true
history: {successful: 1, failed: 1, ttl: 1h}
budget: {size: 300Mi, growth: 20%, own: 120Mi, layers: 40, enforcement: Block}
pod: {serviceAccountName: b, resources: {limits: {memory: 1Gi}, requests: {cpu: "1"}}, nodeSelector: {a: b}, labels: {x: y},
      tolerations: [{key: k, operator: Equal, value: v, effect: NoExecute, tolerationSeconds: 5}],
      annotations: {p: q}, priorityClassName: low, runtimeClassName: kata, isolation: Overlay}
)";

Status every_status_field() {
  Status status;
  status.conditions = {{"Ready", "True", "r", "m", 1, "2026-11-24T07:00:00Z"}};
  status.image = Image{.ref = "r",
                       .digest = "d",
                       .tags = {"t"},
                       .size_bytes = 1,
                       .own_size_bytes = 1,
                       .uncompressed_bytes = 1,
                       .delta_bytes = 1,
                       .baseline_size_bytes = 1,
                       .layer_count = 1,
                       .delta = "x",
                       .revision = "r",
                       .created_at = "c"};
  status.image->platforms = {{.platform = "p",
                              .digest = "d",
                              .size_bytes = 1,
                              .own_size_bytes = 1,
                              .uncompressed_bytes = 1,
                              .largest_layer_bytes = 1,
                              .wasted_bytes = 1,
                              .layer_count = 2,
                              .layers = {{"d", 1, "own", 3, "c", 1, 1, 1}},
                              .largest_paths = {{"/p", 1, 1}}}};
  status.image->wasted_bytes = 1;
  status.image->advice = {{1, 1, "m"}};
  status.baseline = Baseline{1, 1, 1, 1, {{1, 1}}};
  status.inputs = Inputs{.key = "k",
                         .spec = "s",
                         .source = "c",
                         .revision = "r",
                         .tree = "t",
                         .bases = {{"a", "p", "d"}}};
  status.build = Build{.pod = "p",
                       .hash = "h",
                       .trigger = "t",
                       .source = "s",
                       .revision = "r",
                       .token = "t",
                       .number = 1,
                       .generation = 1,
                       .attempt = 1,
                       .retries = 1,
                       .config_retries = 1,
                       .queued_at = "q",
                       .started_at = "s",
                       .finished_at = "f",
                       .isolation = "i",
                       .result = "r"};
  status.build->failure = Failure{FailureClass::Config, "SecretNotFound", "m", "s", 1, 1, "l"};
  status.history = {{1, "h", "t", "r", "d", 1, 1, 1.5, "f"}};
  status.last_handled_reconcile_at = "x";
  return status;
}

}  // namespace

TEST_CASE("the CRD's spec and the decoder know the same fields") {
  std::set<std::string> in_schema, in_decoder;
  schema_paths(schema_of("spec"), "", in_schema);
  Json value = *parse_yaml(kEveryField);
  value_paths(value, "", in_schema, in_decoder);
  CHECK(in_schema == in_decoder);
  // The example is what the decoder accepts, one source at a time; an unknown field would be an
  // error.
  for (const char* kept : {"git", "inline", "oci"}) {
    Json one = value;
    one["source"] = {{kept, value["source"][kept]}};
    for (const char* ref : {"branch", "commit"})
      if (one["source"].contains("git")) one["source"]["git"]["ref"].erase(ref);
    auto spec = spec_from_json(one);
    INFO((spec.ok() ? "" : spec.error().message));
    CHECK(spec.ok());
  }
}

TEST_CASE("nothing that the controller writes into the status is pruned") {
  std::set<std::string> in_schema, written;
  schema_paths(schema_of("status"), "", in_schema);
  value_paths(status_to_json(every_status_field()), "", in_schema, written);
  CHECK(in_schema == written);
}

TEST_CASE(
    "the schema puts no defaults into the spec and says InProgress before the controller ran") {
  CHECK(schema_of("spec").dump().find("\"default\"") == std::string::npos);
  CHECK(schema_of("status")["default"] == Json({{"observedGeneration", -1}}));
  CHECK(load_crd().dump().find("x-kubernetes-validations") == std::string::npos);
}
