// Values the controller's tests start from.
#pragma once

#include "common/contract/build_report.h"
#include "operator/controller/decide.h"
#include "operator/controller/identity.h"

namespace imagebuild::controller::testing {

inline TimePoint at(int seconds) {
  return TimePoint(std::chrono::seconds(1'790'000'000 + seconds));
}

inline Json inline_object(const std::string& name = "web") {
  return {{"apiVersion", "imagebuild.dev/v1alpha1"},
          {"kind", "ImageBuild"},
          {"metadata",
           {{"namespace", "shop"},
            {"name", name},
            {"uid", "uid-" + name},
            {"generation", 1},
            {"resourceVersion", "5"},
            {"creationTimestamp", "2026-09-21T00:00:00Z"}}},
          {"spec",
           {{"source", {{"inline", {{"files", {{"Dockerfile", "FROM scratch"}}}}}}},
            {"image", "registry.acme.io/" + name}}}};
}

inline PodSettings settings() {
  PodSettings result;
  result.builder_image = "registry/builder:1";
  result.default_resources = {{"requests", {{"cpu", "100m"}}}};
  result.registries.mirrors = {{"docker.io", "http://mirror:5000"}};
  return result;
}

inline contract::BuildReport success_report(std::uint64_t size = 1000) {
  contract::BuildReport report;
  report.digest = "sha256:" + std::string(64, 'd');
  contract::PlatformReport platform{.platform = "linux/amd64", .digest = report.digest};
  platform.layers = {
      {"sha256:" + std::string(64, 'b'), size / 2, size, contract::LayerOrigin::Base, 0, ""},
      {"sha256:" + std::string(64, 'e'), size - size / 2, size, contract::LayerOrigin::Own, 2,
       "RUN x"}};
  platform.sum_layers();
  report.platforms = {platform};
  report.inputs.bases = {{"docker.io/library/alpine:3.10", "linux/amd64", "sha256:1"}};
  report.phases.total = 3;
  report.pushed_bytes = 77;
  report.isolation = "overlay";
  return report;
}

inline contract::BuildReport failure_report(api::FailureClass failure_class,
                                            std::string_view reason) {
  contract::BuildReport report;
  report.result = contract::BuildResult::Failure;
  report.failure =
      api::Failure{failure_class, std::string(reason), "it broke", "build", 7, 1, "the last words"};
  return report;
}

}  // namespace imagebuild::controller::testing
