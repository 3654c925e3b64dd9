#include "builder/plan/plan.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::plan;

namespace {

dockerfile::Dockerfile parsed(const std::string& text) {
  auto file = dockerfile::parse(text, "Dockerfile");
  REQUIRE(file.ok());
  return *std::move(file);
}

std::vector<std::size_t> order(const Plan& plan) {
  std::vector<std::size_t> indices;
  for (const auto& stage : plan.stages) indices.push_back(stage.index);
  return indices;
}

using Order = std::vector<std::size_t>;

}  // namespace

TEST_CASE("only stages that the target needs are planned, each after what it needs") {
  auto file = parsed(
      "FROM alpine AS tools\nFROM node AS build\nRUN make\nFROM build AS test\nRUN test\n"
      "FROM scratch AS release\nCOPY --from=build /app /app\nCOPY --from=0 /bin/x /x\n");
  CHECK(order(*make_plan(file, {})) == Order{1, 0, 3});
  CHECK(order(*make_plan(file, {.target = "test"})) == Order{1, 2});
  CHECK(order(*make_plan(file, {.target = "TOOLS"})) == Order{0});
  CHECK(order(*make_plan(file, {.target = "1"})) == Order{1});
}

TEST_CASE("a target that does not exist is named with what there is") {
  auto plan = make_plan(parsed("FROM a AS one\nFROM b AS two\n"), {.target = "three"});
  REQUIRE_FALSE(plan.ok());
  CHECK(plan.error().message ==
        "Dockerfile: target stage 'three' does not exist (stages: one, two)");
}

TEST_CASE("FROM sees the global arguments and nothing else") {
  auto file = parsed("ARG V=3.10\nARG IMAGE=alpine:${V}\nFROM ${IMAGE}\n");
  auto image = [](const Result<Plan>& plan) {
    return std::get<ImageRef>(plan->stages.back().base).reference.familiar();
  };
  CHECK(image(make_plan(file, {})) == "alpine:3.10");
  CHECK(image(make_plan(file, {.build_args = {{"V", "3.20"}}})) == "alpine:3.20");
  auto empty = make_plan(parsed("FROM $NOPE\n"), {});
  REQUIRE_FALSE(empty.ok());
  CHECK(empty.error().message.find("Dockerfile:1: FROM:") == 0);
}

TEST_CASE("a base is scratch, an earlier stage or an image") {
  auto file = parsed(
      "FROM scratch\nFROM alpine AS Base\nFROM base AS alpine\nFROM --platform=linux/arm64 "
      "alpine:3\n");
  CHECK(std::get<StageRef>(make_plan(file, {.target = "2"})->stages.back().base).index == 1);
  auto last = make_plan(file, {});
  CHECK(std::get<ImageRef>(last->stages.back().base).platform.architecture == "arm64");
  CHECK(std::get<Scratch>(make_plan(file, {.target = "0"})->stages.back().base) == Scratch{});
}

TEST_CASE("COPY --from looks backwards only") {
  auto file = parsed("FROM a AS first\nFROM b AS second\nFROM c AS third\n");
  oci::Platform platform = oci::Platform::host();
  CHECK(std::get<StageRef>(*resolve_from(file, 1, "first", platform)).index == 0);
  CHECK(std::get<StageRef>(*resolve_from(file, 2, "1", platform)).index == 1);
  CHECK(std::get<ImageRef>(*resolve_from(file, 1, "nginx:1", platform)).reference.familiar() ==
        "nginx:1");
  for (const char* bad : {"second", "third", "1", "7", "scratch", "Upper", ""}) {
    CAPTURE(bad);
    CHECK_FALSE(resolve_from(file, 1, bad, platform).ok());
  }
}

TEST_CASE("build arguments that nothing declares are reported, predefined ones are not") {
  auto file = parsed("ARG A\nFROM a\nARG B\n");
  CHECK(unused_build_args(file, {{"A", ""}, {"B", ""}, {"C", ""}, {"HTTP_PROXY", ""}}) ==
        std::vector<std::string>{"C"});
}
