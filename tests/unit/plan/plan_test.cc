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

TEST_CASE("stages that RUN mounts and ONBUILD triggers read from are planned, too") {
  auto file = parsed(
      "FROM a AS tools\nFROM b AS other\nFROM c AS base\nONBUILD COPY --from=other /x /x\n"
      "ONBUILD RUN --mount=from=tools,target=/t true\n"
      "FROM base AS next\nFROM scratch AS mounts\n"
      "RUN --mount=type=bind,from=tools,target=/t --mount=from=nginx,target=/n true\n"
      "RUN --mount=type=cache,from=scratch,target=/c --mount=type=secret,id=s true\n");
  CHECK(order(*make_plan(file, {})) == Order{0, 4});
  CHECK(order(*make_plan(file, {.target = "next"})) == Order{2, 1, 0, 3});
  CHECK(order(*make_plan(file, {.target = "base"})) == Order{2});
  auto later = make_plan(parsed("FROM a AS x\nRUN --mount=from=y,target=/t true\nFROM b AS y\n"),
                         {.target = "x"});
  REQUIRE_FALSE(later.ok());
  CHECK(later.error().message ==
        "Dockerfile:2: RUN: --from=y: the stage must come before this one");
}

TEST_CASE("no order of stages makes a cycle") {
  for (const char* text : {"FROM b AS a\nFROM a AS b\n", "FROM a AS a\n"}) {
    CAPTURE(text);
    CHECK(make_plan(parsed(text), {}).ok());  // a base that is no earlier stage is an image
  }
  for (const char* text :
       {"FROM x AS a\nCOPY --from=b /p /p\nFROM a AS b\n", "FROM x AS a\nCOPY --from=a /p /p\n",
        "FROM x AS a\nCOPY --from=0 /p /p\n", "FROM x AS a\nRUN --mount=from=a,target=/p true\n",
        "FROM x AS a\nONBUILD COPY --from=b /p /p\nFROM a AS b\n"}) {
    CAPTURE(text);
    auto plan = make_plan(parsed(text), {.target = "a"});
    if (std::string(text).find("ONBUILD") != std::string::npos) plan = make_plan(parsed(text), {});
    REQUIRE_FALSE(plan.ok());
    const std::string& message = plan.error().message;
    CHECK((message.find("must come before this one") != std::string::npos ||
           message.find("stages before this one") != std::string::npos));
  }
}

TEST_CASE("ten thousand stages, each on the one before, are planned without deep recursion") {
  std::string text = "FROM scratch AS s0\n";
  for (int i = 1; i < 10'000; ++i)
    text += "FROM s" + std::to_string(i - 1) + " AS s" + std::to_string(i) + "\n";
  auto plan = make_plan(parsed(text), {});
  REQUIRE(plan.ok());
  CHECK(plan->stages.size() == 10'000);
  CHECK(plan->stages.front().index == 0);
  CHECK(plan->stages.back().index == 9'999);
}

TEST_CASE("platform arguments are in the global scope, and passed values win") {
  auto file = parsed("FROM --platform=$BUILDPLATFORM alpine AS build\n");
  auto plan = make_plan(file, {.platform = *oci::Platform::parse("linux/arm/v7")});
  REQUIRE(plan.ok());
  CHECK(plan->global_args.at("TARGETPLATFORM") == "linux/arm/v7");
  CHECK(plan->global_args.at("TARGETVARIANT") == "v7");
  CHECK(plan->global_args.at("TARGETSTAGE") == "build");
  CHECK(plan->global_args.at("TARGETOSVERSION").empty());
  CHECK(std::get<ImageRef>(plan->stages[0].base).platform == oci::Platform::host());
  auto passed = make_plan(file, {.build_args = {{"BUILDPLATFORM", "linux/s390x"}}});
  REQUIRE(passed.ok());
  CHECK(std::get<ImageRef>(passed->stages[0].base).platform.architecture == "s390x");
  CHECK(make_plan(parsed("FROM a\n"), {})->global_args.at("TARGETSTAGE") == "default");
  CHECK(
      make_plan(parsed("FROM a AS x\nFROM b\n"), {.target = "x"})->global_args.at("TARGETSTAGE") ==
      "x");
}

TEST_CASE("a global ARG sees those before it, and an unneeded default is not expanded") {
  auto file = parsed("ARG A=1 B=$A\nARG C=${B}${D:-d}\nARG E=${E:?give E}\nFROM x:$C$E\n");
  auto image = [](const Result<Plan>& plan) {
    return std::get<ImageRef>(plan->stages.back().base).reference.familiar();
  };
  CHECK(image(make_plan(file, {.build_args = {{"E", "e"}}})) == "x:1de");
  auto missing = make_plan(file, {});
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message.find("Dockerfile:3: ARG E: ") == 0);
}

TEST_CASE("sources are judged in every stage, also where no target needs it") {
  CHECK(check_sources(parsed("FROM a AS x\nFROM b\nCOPY --from=x /p /p\n"
                             "RUN --mount=from=0,target=/p --mount=from=nginx,target=/n true\n"))
            .ok());
  auto wrong =
      check_sources(parsed("FROM a AS x\nRUN --mount=from=y,target=/p true\nFROM b AS y\n"));
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().message ==
        "Dockerfile:2: RUN: --from=y: the stage must come before this one");
}
