#include "operator/page/projection.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::page;

namespace {

constexpr const char* kSecretive = R"({
  "metadata": {"namespace": "shop", "name": "web", "uid": "u-1", "generation": 3,
    "annotations": {"imagebuild.dev/rebuild": "TOKEN-1", "kubectl/last": "ANNOTATION"}},
  "spec": {
    "source": {"git": {"url": "https://git.acme.io/SECRETREPO.git", "ref": {"branch": "main"},
                       "secretRef": {"name": "git-secret"}}},
    "image": "registry.acme.io/web:1.2",
    "args": [{"name": "PASSWORD", "value": "ARGVALUE"}],
    "registries": {"secretRefs": [{"name": "push-secret"}]},
    "labels": {"LABEL": "LABELVALUE"},
    "pod": {"serviceAccountName": "the-account", "nodeSelector": {"disk": "NODELABEL"}},
    "suspend": true
  },
  "status": {
    "observedGeneration": 3,
    "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "pushed",
                    "lastTransitionTime": "2026-11-24T07:00:00Z", "observedGeneration": 3}],
    "image": {"ref": "registry.acme.io/web@sha256:12", "digest": "sha256:12", "tags": ["1.2"],
      "sizeBytes": 1000, "ownSizeBytes": 400, "layerCount": 2, "delta": "±0.0%",
      "platforms": [{"platform": "linux/amd64", "digest": "sha256:12", "sizeBytes": 1000,
        "layers": [{"digest": "aa", "sizeBytes": 600, "origin": "base", "createdBy": "ADD rootfs"},
                   {"digest": "bb", "sizeBytes": 400, "origin": "own", "line": 4,
                    "createdBy": "RUN true"}]}]},
    "baseline": {"sizeBytes": 900, "samples": 3},
    "inputs": {"key": "INPUTKEY", "spec": "SPECHASH", "source": "SOURCEKEY", "tree": "TREE",
      "revision": "main@sha1:abc",
      "bases": [{"ref": "alpine:3.10", "platform": "linux/amd64", "digest": "sha256:77"}]},
    "build": {"pod": "PODNAME", "hash": "BUILDHASH", "token": "TOKEN-1", "trigger": "Spec",
      "number": 7, "result": "Failure", "startedAt": "2026-11-24T07:00:00Z",
      "failure": {"class": "Terminal", "reason": "BuildFailed", "message": "exit 1", "line": 9,
                  "stage": "app", "exitCode": 1, "logTail": "npm ERR!"}},
    "history": [
      {"number": 6, "hash": "H6", "trigger": "Spec", "result": "Success", "digest": "sha256:12",
       "sizeBytes": 1000, "seconds": 2.5},
      {"number": 5, "hash": "H5", "trigger": "Spec", "result": "Failure", "digest": ""},
      {"number": 4, "hash": "H4", "trigger": "Spec", "result": "Success", "digest": "sha256:11",
       "sizeBytes": 990, "seconds": 2.0}],
    "lastHandledReconcileAt": "TOKEN-1"
  }
})";

api::ImageBuild object_of(const char* text) {
  return api::imagebuild_from_json(parse_json(text).value());
}

}  // namespace

TEST_CASE("the page tells nothing of secrets, sources, arguments, pods or hashes") {
  const api::ImageBuild object = object_of(kSecretive);
  REQUIRE(object.spec.ok());
  for (const Json& document : {summarize(object), describe(object)})
    for (const char* word :
         {"SECRETREPO", "git-secret", "PASSWORD", "ARGVALUE", "push-secret", "LABEL", "the-account",
          "NODELABEL", "TOKEN-1", "ANNOTATION", "INPUTKEY", "SPECHASH", "SOURCEKEY", "TREE",
          "PODNAME", "BUILDHASH", "H6", "u-1"}) {
      INFO(word);
      CHECK(dump_json(document).find(word) == std::string::npos);
    }
}

TEST_CASE("a row of the list has the state, the sizes and the trend, oldest first") {
  CHECK(summarize(object_of(kSecretive)) == parse_json(R"({
    "namespace": "shop", "name": "web", "imageName": "registry.acme.io/web:1.2", "suspended": true,
    "ready": {"status": "True", "reason": "Succeeded"},
    "sizeBytes": 1000, "ownSizeBytes": 400, "layerCount": 2, "createdAt": "",
    "deltaBytes": 0, "baselineBytes": 900, "trend": [990, 1000]})")
                                                .value());
}

TEST_CASE("the description has layers, bases, history and the last failure") {
  const Json document = describe(object_of(kSecretive));
  CHECK(document["source"] == "git");
  CHECK(document["image"]["deltaBytes"] == 0);  // not the same as a first image
  CHECK(document["image"]["platforms"][0]["layers"][1]["line"] == 4);
  CHECK(document["image"]["platforms"][0]["layers"][0]["origin"] == "base");
  CHECK(document["inputs"]["bases"][0]["digest"] == "sha256:77");
  CHECK(document["inputs"]["revision"] == "main@sha1:abc");
  CHECK(document["build"]["failure"]["logTail"] == "npm ERR!");
  CHECK(document["build"]["failure"]["line"] == 9);
  CHECK(document["history"].size() == 3);
  CHECK(document["conditions"][0]["message"] == "pushed");
}

TEST_CASE("an ImageBuild without a status or with an invalid spec is described all the same") {
  const api::ImageBuild object =
      object_of(R"({"metadata": {"namespace": "shop", "name": "new"}, "spec": {"image": 7}})");
  REQUIRE_FALSE(object.spec.ok());
  CHECK(summarize(object) == Json({{"namespace", "shop"}, {"name", "new"}}));
  const Json document = describe(object);
  CHECK(document["name"] == "new");
  CHECK_FALSE(document.contains("image"));
  CHECK_FALSE(document.contains("source"));
}

TEST_CASE("lists and texts that are too large are cut") {
  Json object = {{"metadata", {{"namespace", "shop"}, {"name", "web"}}}};
  Json& image = object["status"]["image"];
  image = {{"digest", std::string(100'000, 'x')}, {"tags", Json::array()}};
  for (int i = 0; i < 1000; ++i) {
    image["tags"].push_back("t" + std::to_string(i));
    image["platforms"].push_back({{"platform", "linux/" + std::to_string(i)}});
  }
  const Json document = describe(api::imagebuild_from_json(object));
  CHECK(document["image"]["digest"].get<std::string>().size() == 8192);
  CHECK(document["image"]["tags"].size() == 256);
  CHECK(document["image"]["platforms"].size() == 256);
}

TEST_CASE("waste, paths, changes, advice and the history's own sizes pass") {
  const Json status = parse_json(R"({"image": {"wastedBytes": 5,
    "advice": [{"line": 3, "savesBytes": 9, "message": "remove the cache"}],
    "platforms": [{"platform": "linux/amd64", "wastedBytes": 5,
      "largestPaths": [{"path": "/usr/bin/node", "sizeBytes": 70, "layer": 1}],
      "layers": [{"uncompressedSizeBytes": 100, "wastedBytes": 5, "deltaBytes": -3},
                 {"uncompressedSizeBytes": 4, "deltaBytes": 0}, {"line": 3}]}]},
    "baseline": {"sizeBytes": 10, "ownSizeBytes": 4, "baseSizeBytes": 6, "samples": 2},
    "history": [{"number": 1, "finishedAt": "2026-11-24T07:00:00Z", "ownSizeBytes": 4}]})")
                          .value();
  const Json document = describe(api::imagebuild_from_json(
      {{"metadata", {{"namespace", "shop"}, {"name", "web"}}}, {"status", status}}));
  CHECK(document["baseline"] == status["baseline"]);
  CHECK(document["image"]["advice"] == status["image"]["advice"]);
  CHECK(document["image"]["wastedBytes"] == 5);
  CHECK(document["history"][0]["ownSizeBytes"] == 4);
  CHECK(document["history"][0]["finishedAt"] == "2026-11-24T07:00:00Z");
  const Json& platform = document["image"]["platforms"][0];
  CHECK(platform["largestPaths"] == status["image"]["platforms"][0]["largestPaths"]);
  CHECK(platform["layers"][0]["wastedBytes"] == 5);
  CHECK(platform["layers"][0]["uncompressedSizeBytes"] == 100);
  CHECK(platform["layers"][0]["deltaBytes"] == -3);
  CHECK(platform["layers"][1]["deltaBytes"] == 0);            // unchanged
  CHECK_FALSE(platform["layers"][2].contains("deltaBytes"));  // new
}

TEST_CASE("a budget becomes limits in bytes") {
  using api::Budget;
  struct Row {
    Budget budget;
    std::uint64_t baseline;
    const char* limits;
  };
  const std::vector<Row> rows = {
      {{}, 1000, "null"},
      {{.enforcement = Budget::Enforcement::Block}, 1000, "null"},
      {{.size_bytes = 3000, .own_bytes = 1000, .layers = 40},
       0,
       R"({"size": 3000, "own": 1000, "layers": 40, "block": false})"},
      {{.growth_percent = 20, .enforcement = Budget::Enforcement::Block},
       1000,
       R"({"growth": 1200, "growthPercent": 20.0, "block": true})"},
      {{.growth_percent = 0.5}, 1000, R"({"growth": 1005, "growthPercent": 0.5, "block": false})"},
      {{.growth_percent = 0}, 1000, R"({"growth": 1000, "growthPercent": 0.0, "block": false})"},
      {{.growth_percent = 20}, 0, R"({"growthPercent": 20.0, "block": false})"},
  };
  for (const Row& row : rows) {
    INFO(row.limits);
    CHECK(limits_of(row.budget, row.baseline) == parse_json(row.limits).value());
  }
}

TEST_CASE("a growth budget is measured from the baseline of the status") {
  Json object = parse_json(kSecretive).value();
  object["spec"]["budget"] = {{"growth", "10%"}, {"enforcement", "Block"}};
  const Json document = describe(api::imagebuild_from_json(object));
  CHECK(document["limits"] == Json({{"growth", 990}, {"growthPercent", 10.0}, {"block", true}}));
  CHECK_FALSE(describe(object_of(kSecretive)).contains("limits"));
}
