#include "common/oci/image_config.h"

#include "common/base/json.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::oci;

namespace {

const std::string kDiffId = "sha256:" + std::string(64, 'c');

// As BuildKit writes it, with members this project has no use for.
const std::string kFull =
    R"({"architecture":"arm64","author":"ada","config":{"User":"node","ExposedPorts":{"8080/tcp":{}},)"
    R"("Env":["PATH=/bin","A=1"],"Entrypoint":["tini"],"Cmd":["node"],"Volumes":{"/data":{}},"WorkingDir":"/app",)"
    R"("Labels":{"a":"b"},"StopSignal":"SIGINT","Healthcheck":{"Test":["CMD","true"],"Interval":5000000000},)"
    R"("OnBuild":["RUN true"],"Shell":["/bin/bash","-c"],"ArgsEscaped":true,"NetworkDisabled":{"deep":[1,{"x":null}]}},)"
    R"("container":"0123","created":"2026-11-24T07:00:00.123456789Z","docker_version":"20.10",)"
    R"("history":[{"created":"2026-11-24T07:00:00Z","created_by":"ADD rootfs.tar /","comment":"base"},)"
    R"({"created_by":"ENV A=1","empty_layer":true}],)"
    R"("moby.buildkit.cache.v0":"e30=","os":"linux","rootfs":{"type":"layers","diff_ids":[")" +
    kDiffId + R"("]},"variant":"v8"})";

}  // namespace

TEST_CASE("an image config survives reading and writing byte by byte, unknown members too") {
  auto image = ImageConfig::parse(kFull);
  REQUIRE(image.ok());
  CHECK(image->serialise() == kFull);
  CHECK(image->config.user == "node");
  CHECK(image->config.healthcheck->interval == 5'000'000'000);
  CHECK(image->history[1].empty_layer);
  CHECK(image->diff_ids.at(0).to_string() == kDiffId);
  CHECK(image->platform().to_string() == "linux/arm64");
  CHECK(image->config.unknown.at("NetworkDisabled") == R"({"deep":[1,{"x":null}]})");
  CHECK(image->unknown.at("docker_version") == "\"20.10\"");
}

TEST_CASE("what Docker writes as null is absent") {
  auto image = ImageConfig::parse(
      R"({"architecture":"amd64","os":"linux","config":{"Env":null,"Cmd":null,"Entrypoint":null,)"
      R"("Volumes":null,"Labels":null,"OnBuild":null,"Healthcheck":null},"history":null,)"
      R"("rootfs":{"type":"layers","diff_ids":null}})");
  REQUIRE(image.ok());
  CHECK_FALSE(image->config.cmd.has_value());
  CHECK(image->diff_ids.empty());
}

TEST_CASE("an empty entrypoint is not an absent one") {
  auto image =
      ImageConfig::parse(R"({"config":{"Entrypoint":[],"Cmd":[]},"rootfs":{"type":"layers"}})");
  REQUIRE(image.ok());
  CHECK(image->config.entrypoint == std::vector<std::string>());
  CHECK(image->serialise().find(R"("Entrypoint":[])") != std::string::npos);
}

TEST_CASE("hostile image configs are refused with the field") {
  struct Row {
    std::string text, reason;
  };
  std::string rootfs = R"("rootfs":{"type":"layers"})";
  const Row rows[] = {
      {"7", "expected an object"},
      {"{}", "rootfs: missing"},
      {R"({"rootfs":{"type":"disk"}})", "rootfs.type"},
      {R"({"rootfs":{"type":"layers","diff_ids":["sha256:zz"]}})", "diff_id"},
      {R"({"rootfs":{"type":"layers","diff_ids":[7]}})", "diff_ids: expected a list of strings"},
      {R"({"config":{"Env":"PATH=/bin"},)" + rootfs + "}",
       "config: Env: expected a list of strings"},
      {R"({"config":{"Labels":{"a":1}},)" + rootfs + "}", "config: Labels"},
      {R"({"config":{"User":0},)" + rootfs + "}", "config: User: expected a string"},
      {R"({"config":[],)" + rootfs + "}", "config: expected an object"},
      {R"({"history":[7],)" + rootfs + "}", "history[0]"},
      {R"({"config":{"Healthcheck":{"Interval":"5s"}},)" + rootfs + "}", "Healthcheck: Interval"},
      {std::string(kMaxConfigBytes + 1, ' '), "limit of 8.0 MiB"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text.substr(0, 200));
    auto image = ImageConfig::parse(row.text);
    REQUIRE_FALSE(image.ok());
    CAPTURE(image.error().message);
    CHECK(image.error().kind == ErrorKind::InvalidInput);
    CHECK(image.error().message.find(row.reason) != std::string::npos);
  }
}

TEST_CASE("an environment variable keeps its place when it is set again") {
  ContainerConfig config;
  config.env = {"A=1", "AB=2"};
  config.set_env("A", "x=y");
  config.set_env("C", "");
  CHECK(config.env == std::vector<std::string>{"A=x=y", "AB=2", "C="});
  CHECK(config.find_env("A") == "x=y");
  CHECK(config.find_env("C") == "");
  CHECK_FALSE(config.find_env("B").has_value());
}

TEST_CASE("invalid UTF-8 in a config is an error, not an exception") {
  CHECK_FALSE(
      ImageConfig::parse("{\"author\":\"\xff\xfe\",\"rootfs\":{\"type\":\"layers\"}}").ok());
  ImageConfig image;
  image.author = "\xff";
  CHECK(parse_json(image.serialise()).ok());
}
