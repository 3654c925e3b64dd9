#include "builder/executor/usage_report.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::executor;

namespace {

constexpr std::uint64_t kMi = 1u << 20;

/// A stage of a base layer and own layers, one a line from 2 on; `empty` ones changed nothing.
struct Made {
  BaseImage base;
  StageState stage;
  contract::PlatformReport report;
  ImageUsage usage;

  explicit Made(const std::vector<std::string>& instructions, std::size_t empty = 0) {
    add(&base, 0, "base", false);
    for (std::size_t i = 0; i < instructions.size(); ++i)
      add(nullptr, static_cast<int>(i) + 2, instructions[i], i + 1 == empty);
    usage.layers.resize(instructions.size() + 1);
  }

  void add(const BaseImage* from, int line, const std::string& text, bool is_empty) {
    std::promise<Result<FinishedLayer>> known;
    known.set_value(FinishedLayer{.blob = {}, .empty = is_empty});
    stage.layers.push_back(
        {.base = from, .line = line, .created_by = text, .finished = known.get_future().share()});
    if (!is_empty) report.layers.push_back({.line = line, .created_by = text});
  }

  const std::vector<api::ImageAdvice>& advise() {
    add_usage(usage, stage, report);
    return report.advice;
  }
};

}  // namespace

TEST_CASE("waste stands at the layer that holds it, and layers without content have no place") {
  Made made({"RUN true", "RUN a", "RUN rm a"}, 1);
  made.usage.layers[2] = {.hidden = 5, .hidden_by = {{3, 5}}, .watched = {}};
  made.usage.largest = {{"big", 9, 3}, {"nowhere", 8, 1}};
  made.advise();
  CHECK(made.report.waste_is_known);
  CHECK(made.report.wasted_bytes == 5);
  CHECK(made.report.layers[1].wasted_bytes == 5);
  REQUIRE(made.report.largest_paths.size() == 1);
  CHECK(made.report.largest_paths[0].path == "/big");
  CHECK(made.report.largest_paths[0].layer == 2);
}

TEST_CASE("what was written and removed later is advised at the line that wrote it") {
  Made made({"RUN a", "COPY . .", "RUN rm -r a ."});
  made.usage.layers[1].hidden_by = {{3, 4 * kMi}};
  made.usage.layers[2].hidden_by = {{3, 6 * kMi}};
  const auto& advice = made.advise();
  REQUIRE(advice.size() == 2);
  CHECK(advice[0].line == 3);  // most bytes first
  CHECK(advice[0].saves_bytes == 6 * kMi);
  CHECK(advice[0].message.find("in line 4") != std::string::npos);
  CHECK(advice[0].message.find("COPY --chown") != std::string::npos);
  CHECK(advice[1].line == 2);
  CHECK(advice[1].message.find("in one RUN") != std::string::npos);
}

TEST_CASE(
    "bytes of the base are advised at the line that hides them, the base's own waste is not") {
  Made made({"RUN chown -R node /app"});
  made.usage.layers[0].hidden_by = {{1, 30 * kMi}};
  CHECK(made.advise().at(0).line == 2);
  Made inner({"RUN a"});
  inner.stage.layers[1].base = &inner.base;
  inner.usage.layers[0].hidden_by = {{1, 30 * kMi}};
  CHECK(inner.advise().empty());
}

TEST_CASE("watched places of one kind are one advice, and little is not worth saying") {
  Made made({"RUN apt-get install gcc"});
  made.usage.layers[0].watched = {{0, 50 * kMi}};  // of the base
  made.usage.layers[1].watched = {{0, kMi - 1}, {17, 4 * kMi}, {19, 2 * kMi}};
  const auto& advice = made.advise();
  REQUIRE(advice.size() == 1);
  CHECK(advice[0].saves_bytes == 6 * kMi);
  CHECK(advice[0].message.find("build tools") != std::string::npos);
}
