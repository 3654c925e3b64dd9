// ImageBuilds as the API server gives them, for the plug-in's tests.
#pragma once

#include <string>

#include "common/base/json.h"
#include "common/yaml/yaml.h"
#include "plugin/view.h"
#include "tests/support/catch.h"

namespace imagebuild::plugin::testing {

inline Json yaml(const std::string& text) {
  auto value = parse_yaml(text);
  INFO((value.ok() ? "" : value.error().message));
  REQUIRE(value.ok());
  return *value;
}

inline constexpr const char* kDigest =
    "sha256:9f2c8a1b3d4e5f60718293a4b5c6d7e8f90112233445566778899aabbccddeef";
inline constexpr const char* kOlderDigest =
    "sha256:1111111111111111111111111111111111111111111111111111111111111111";

/// An image that grew, in a namespace of its own, with everything a status can say.
inline Json grown() {
  Json object = yaml(R"yaml(
apiVersion: imagebuild.dev/v1alpha1
kind: ImageBuild
metadata: {name: web, namespace: shop, uid: u-1, generation: 3, resourceVersion: "7"}
spec:
  source: {git: {url: "https://github.com/acme/web"}}
  image: registry.example.com/web:1.2
  budget: {size: 300Mi, growth: 10%, layers: 40, enforcement: Warn}
status:
  observedGeneration: 3
  conditions:
  - type: Ready
    status: "True"
    reason: Succeeded
    message: "registry.example.com/web@sha256:9f2c 223.3 MiB (+41.3 MiB)"
  - {type: UpToDate, status: "True", reason: InputsBuilt}
  - type: WithinBudget
    status: "False"
    reason: SizeBudgetExceeded
    message: "+41.3 MiB over baseline 182.0 MiB; largest change: layer 3 RUN pip install
      (Dockerfile:14) +39.9 MiB"
  baseline: {sizeBytes: 190840832, samples: 5}
  image:
    digest: DIGEST
    ref: registry.example.com/web@DIGEST
    tags: [sha-1a2b3c4d5e6f-9f2c8a1b, "1.2"]
    size: 223.3MiB
    sizeBytes: 234146824
    ownSizeBytes: 86146824
    uncompressedSizeBytes: 612000000
    wastedBytes: 12582912
    deltaBytes: 43305992
    delta: "+22.7%"
    layerCount: 4
    revision: main@sha1:1a2b3c4d5e6f
    createdAt: "2026-11-24T07:00:00Z"
    advice:
    - line: 14
      savesBytes: 12582912
      message: "pip leaves its cache in the layer: add --no-cache-dir"
    platforms:
    - platform: linux/amd64
      digest: DIGEST
      sizeBytes: 234146824
      layers:
      - {digest: aaaaaaaaaaaa, sizeBytes: 148000000, uncompressedBytes: 400000000, origin: base,
         createdBy: "/bin/sh -c #(nop) ADD file:0d6a in / ", deltaBytes: 0}
      - {digest: bbbbbbbbbbbb, sizeBytes: 2146824, uncompressedBytes: 9000000, origin: own,
         line: 9, createdBy: "COPY . /app", deltaBytes: 1468006, wastedBytes: 1048576}
      - {digest: cccccccccccc, sizeBytes: 83999000, uncompressedBytes: 202999000, origin: own,
         line: 14, createdBy: "RUN /bin/sh -c pip install -r requirements.txt && python3 -m
         compileall /app # buildkit", deltaBytes: 41837986, wastedBytes: 11534336}
      - {digest: dddddddddddd, sizeBytes: 1000, uncompressedBytes: 1000, origin: own, line: 20,
         createdBy: "COPY entrypoint.sh /"}
      largestPaths:
      - path: /usr/local/lib/python3.11/site-packages/torch/lib/libtorch_cpu.so
        sizeBytes: 90000000
        layer: 2
      - {path: /usr/bin/python3.11, sizeBytes: 6000000, layer: 0}
  build: {pod: web-9f2c8a1b-1, hash: 9f2c8a1b, trigger: Spec, number: 12, generation: 3,
          result: Success, startedAt: "2026-11-24T06:57:56Z", finishedAt: "2026-11-24T07:00:00Z"}
  history:
  - {number: 12, hash: 9f2c8a1b, trigger: Spec, result: Success, digest: DIGEST,
     sizeBytes: 234146824, seconds: 124, finishedAt: "2026-11-24T07:00:00Z"}
  - {number: 11, hash: 8f2c8a1b, trigger: Spec, result: Failure, seconds: 12}
  - {number: 10, hash: 7f2c8a1b, trigger: Manual, result: Success, digest: OLDER,
     sizeBytes: 190840832, seconds: 99}
)yaml");
  std::string text = dump_json(object);
  for (const auto& [from, to] :
       {std::pair<std::string, std::string>{"DIGEST", kDigest}, {"OLDER", kOlderDigest}})
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
      text.replace(at, from.size(), to);
  return *parse_json(text);
}

/// An image whose only build failed.
inline Json failed() {
  return yaml(R"yaml(
metadata: {name: shop-api, namespace: default, uid: u-2, generation: 1}
spec: {source: {git: {url: "https://github.com/acme/api"}}, image: registry.example.com/api}
status:
  observedGeneration: 1
  conditions:
  - type: Ready
    status: "False"
    reason: BuildFailed
    message: "line 14: RUN npm ci: exit status 1"
  - {type: UpToDate, status: "False", reason: BuildFailed}
  - {type: Stalled, status: "True", reason: BuildFailed}
  build:
    pod: shop-api-12345678-1
    number: 1
    trigger: Spec
    result: Failure
    startedAt: "2026-11-24T06:59:00Z"
    finishedAt: "2026-11-24T07:00:03Z"
    failure:
      class: Terminal
      reason: BuildFailed
      message: "RUN npm ci: exit status 1"
      stage: build
      line: 14
      exitCode: 1
      logTail: "npm ERR! code ENOTFOUND\nnpm ERR! network request to https://packages.acme.test/le\
        ftpad failed, reason: getaddrinfo ENOTFOUND\n\e[31mred\e[0m\n"
)yaml");
}

inline Json fresh() {
  return yaml(R"yaml(
metadata: {name: new, namespace: default, uid: u-3, generation: 1}
spec: {source: {inline: {files: {Dockerfile: FROM scratch}}}, image: registry.example.com/new}
status: {observedGeneration: -1}
)yaml");
}

}  // namespace imagebuild::plugin::testing
