#include "common/api/status.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::api;

TEST_CASE("a status survives encoding and decoding") {
  Status status;
  status.observed_generation = 7;
  status.conditions = {{"Ready", "True", "Succeeded", "ok", 7, "2026-11-24T07:00:00Z"}};
  status.image = Image{.ref = "r/w@sha256:1",
                       .digest = "sha256:1",
                       .tags = {"a"},
                       .size_bytes = 191'260'262,
                       .delta_bytes = -5,
                       .delta = "-0.1%"};
  status.image->platforms = {{.platform = "linux/amd64",
                              .digest = "sha256:1",
                              .size_bytes = 5,
                              .layers = {{"aabbccddeeff", 5, "own", 3, "RUN x", 9, 2, 0}}}};
  status.image->wasted_bytes = 0;
  status.image->platforms[0].wasted_bytes = 2;
  status.image->platforms[0].largest_paths = {{"/bin/sh", 4, 0}};
  status.image->advice = {{3, 2, "do both in one RUN"}};
  status.baseline = Baseline{5, 3, 2, 2, {{5, 3}, {6, 4}}};
  status.inputs = Inputs{.key = "k",
                         .spec = "s",
                         .source = "c",
                         .revision = "main@sha1:c",
                         .tree = "t",
                         .bases = {{"a", "p", "d"}}};
  status.build = Build{.pod = "web-12345678-1", .hash = "12345678", .trigger = "Spec"};
  status.build->failure = Failure{FailureClass::Config, "SecretNotFound", "m", "", 0, {}, ""};
  status.history = {
      {3, "12345678", "Spec", "Success", "sha256:1", 5, 4, 17.5, "2026-11-24T00:00:00Z"}};
  status.last_handled_reconcile_at = "now";
  Json json = status_to_json(status);
  CHECK(json["image"]["size"] == "182.4MiB");
  CHECK(status_to_json(status_from_json(json)) == json);
}

TEST_CASE("a damaged status is read for what it is worth") {
  Status status = status_from_json(Json::parse(
      R"({"observedGeneration":"x","conditions":[1,{"type":5}],"image":[],"build":7,"history":{},"inputs":null,"baseline":{"sizeBytes":-1}})"));
  CHECK(status.observed_generation == -1);
  CHECK_FALSE(status.image.has_value());
  CHECK_FALSE(status.build.has_value());
  CHECK(status.baseline->size_bytes == 0);
}

TEST_CASE("an invalid spec is an error value in the object, not the loss of the object") {
  ImageBuild build = imagebuild_from_json(
      {{"metadata", {{"name", "web"}, {"namespace", "d"}, {"uid", "u"}, {"generation", 3}}},
       {"spec", {{"image", 5}}}});
  CHECK(build.key() == "d/web");
  CHECK(build.generation == 3);
  CHECK_FALSE(build.spec.ok());
}

TEST_CASE("either annotation asks for a rebuild, and Flux gets its own value back") {
  auto with = [](Json annotations) {
    return imagebuild_from_json({{"metadata", {{"annotations", annotations}}}});
  };
  CHECK(with({}).rebuild_token.empty());
  CHECK(with({{"imagebuild.dev/rebuild", "1"}}).rebuild_token == "1");
  CHECK(with({{"imagebuild.dev/rebuild", "1"}}).requested_at == "1");
  CHECK(with({{"imagebuild.dev/rebuild", "1"}, {"reconcile.fluxcd.io/requestedAt", "2"}})
            .requested_at == "2");
  CHECK(with({{"imagebuild.dev/rebuild", "1"}, {"reconcile.fluxcd.io/requestedAt", "2"}})
            .rebuild_token == "1\n2");
}
