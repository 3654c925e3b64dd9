#include "operator/controller/growth.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::controller;

namespace {

contract::LayerReport layer(const std::string& id, std::uint64_t size, int line,
                            const std::string& created_by) {
  return {.digest = "sha256:" + id,
          .size_bytes = size,
          .origin = line == 0 ? contract::LayerOrigin::Base : contract::LayerOrigin::Own,
          .line = line,
          .created_by = created_by};
}

api::ImagePlatform image(std::vector<contract::LayerReport> layers,
                         const api::ImagePlatform* before = nullptr) {
  contract::PlatformReport report{.platform = "linux/amd64", .digest = "sha256:d"};
  report.layers = std::move(layers);
  report.sum_layers();
  return platform_with_deltas(report, before);
}

std::vector<std::optional<std::int64_t>> deltas(const api::ImagePlatform& platform) {
  std::vector<std::optional<std::int64_t>> result;
  for (const auto& each : platform.layers) result.push_back(each.delta_bytes);
  return result;
}

const auto kNone = std::nullopt;

}  // namespace

TEST_CASE("a layer is compared with the one of the same instruction") {
  const auto before =
      image({layer("b", 100, 0, "base"), layer("1", 10, 2, "RUN a"), layer("2", 20, 3, "RUN b")});
  struct Row {
    const char* name;
    std::vector<contract::LayerReport> layers;
    std::vector<std::optional<std::int64_t>> deltas;
  };
  for (const Row& row :
       {Row{"nothing changed",
            {layer("b", 100, 0, "base"), layer("1", 10, 2, "RUN a"), layer("2", 20, 3, "RUN b")},
            {0, 0, 0}},
        Row{"one grew",
            {layer("b", 100, 0, "base"), layer("1", 10, 2, "RUN a"), layer("3", 25, 3, "RUN b")},
            {0, 0, 5}},
        Row{"a line was inserted above",
            {layer("b", 100, 0, "base"), layer("9", 7, 2, "COPY x"), layer("1", 10, 3, "RUN a"),
             layer("3", 25, 4, "RUN b")},
            {0, kNone, 0, 5}},
        Row{"an instruction was rewritten",
            {layer("b", 100, 0, "base"), layer("8", 15, 2, "RUN a && c"),
             layer("2", 20, 3, "RUN b")},
            {0, 5, 0}},
        Row{"a line was inserted and those below were edited",
            {layer("b", 100, 0, "base"), layer("9", 3, 2, "RUN curl -O https://acme.io/tool"),
             layer("8", 11, 3, "RUN a"), layer("7", 21, 4, "RUN b")},
            {0, kNone, 1, 1}},
        Row{"the base was refreshed",
            {layer("c", 130, 0, "other base"), layer("7", 10, 2, "RUN a"),
             layer("6", 20, 3, "RUN b")},
            {30, 0, 0}}}) {
    CAPTURE(row.name);
    CHECK(deltas(image(row.layers, &before)) == row.deltas);
  }
  CHECK(deltas(before) == std::vector<std::optional<std::int64_t>>{kNone, kNone, kNone});
}

TEST_CASE("the layer that grew most is told with its instruction and line") {
  constexpr std::uint64_t kMi = 1u << 20;
  const auto before = image({layer("b", 100 * kMi, 0, "base"), layer("1", 10 * kMi, 2, "RUN a")});
  auto tell = [&](std::vector<contract::LayerReport> layers) {
    return tell_largest_growth(image(std::move(layers), &before), "app/Dockerfile");
  };
  CHECK(tell({layer("b", 100 * kMi, 0, "base"), layer("2", 50 * kMi, 2, "RUN a\nmore")}) ==
        "largest change: layer 2 RUN a (app/Dockerfile:2) +40.0 MiB");
  CHECK(tell({layer("b", 100 * kMi, 0, "base"), layer("1", 10 * kMi, 2, "RUN a"),
              layer("3", 7 * kMi, 9, "COPY . .")}) ==
        "largest change: layer 3 COPY . . (app/Dockerfile:9) +7.0 MiB");
  CHECK(tell({layer("c", 160 * kMi, 0, "ADD rootfs"), layer("1", 10 * kMi, 2, "RUN a")}) ==
        "largest change: layer 1 of the base ADD rootfs +60.0 MiB");
  CHECK(tell({layer("b", 100 * kMi, 0, "base")}).empty());
}

TEST_CASE("steps whose instructions look the same are told apart by their size") {
  const auto before = image({layer("1", 100, 2, "RUN x"), layer("2", 200, 3, "RUN x")});
  CHECK(deltas(image({layer("3", 199, 3, "RUN x")}, &before)) ==
        std::vector<std::optional<std::int64_t>>{-1});
}

TEST_CASE("without the layers before, and for a change that explains nothing, nothing is told") {
  const auto unknown = image({});
  const auto now = image({layer("b", 1000, 0, "base"), layer("1", 10, 2, "RUN a")}, &unknown);
  CHECK_FALSE(largest_growth(now));
  const auto before = image({layer("b", 1000, 0, "base"), layer("1", 10, 2, "RUN a")});
  const auto same = image({layer("b", 1000, 0, "base"), layer("2", 16, 2, "RUN a")}, &before);
  CHECK(tell_largest_growth(same, "Dockerfile").empty());
}
