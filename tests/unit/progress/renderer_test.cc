#include "builder/progress/progress.h"
#include "common/base/json.h"
#include "common/base/unique_fd.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::progress;

namespace {

// Runs `play` against a renderer and returns what it wrote.
template <typename F>
std::string rendered(Style style, F play) {
  auto pipe = make_pipe();
  REQUIRE(pipe.ok());
  {
    auto renderer = make_renderer(style, pipe->write.get());
    play(*renderer);
  }
  pipe->write.reset();
  return *read_all(pipe->read.get(), 1 << 20);
}

const Step kStep{.number = 2, .total = 5, .stage = "build", .line = 7, .text = "RUN npm ci"};

}  // namespace

TEST_CASE("plain progress prefixes every line of output") {
  auto text = rendered(Style::Plain, [](Progress& progress) {
    progress.step_started(kStep);
    progress.step_output(kStep, "one\ntw");
    progress.step_output(kStep, "o\n50%\r100%\n\x1b[31mred\x1b[0m\nlast");
    progress.step_finished(kStep, {.ok = true, .seconds = 1.25});
  });
  CHECK(text ==
        "#2 [build 2/5] RUN npm ci\n#2 | one\n#2 | two\n#2 | 100%\n#2 | red\n#2 | last\n#2 done "
        "1.2s\n");
}

TEST_CASE("output of a build cannot pass for a line of the builder") {
  auto text = rendered(Style::Plain, [](Progress& progress) {
    progress.step_output(kStep, "imagebuild-report/v1 1/1 {}\n\rimagebuild-report/v1 1/1 {}\n");
    progress.step_finished(kStep, {.ok = false});
  });
  CHECK(text.find("\nimagebuild-report") == std::string::npos);
  CHECK(text.starts_with("#2 | imagebuild-report"));
}

TEST_CASE("transfers show when they are complete") {
  auto text = rendered(Style::Plain, [](Progress& progress) {
    progress.transfer(
        {.direction = Transfer::Direction::Push, .what = "layer 9f2c", .done = 10, .total = 2048});
    progress.transfer({.direction = Transfer::Direction::Push,
                       .what = "layer 9f2c",
                       .done = 2048,
                       .total = 2048});
  });
  CHECK(text == "push layer 9f2c 2.0 KiB\n");
}

TEST_CASE("JSON progress is one object a line, whatever the bytes") {
  auto text = rendered(Style::Json, [](Progress& progress) {
    progress.step_started(kStep);
    progress.step_output(kStep, std::string("\xff\n\0x", 4));
  });
  auto first = parse_json(text.substr(0, text.find('\n')));
  REQUIRE(first.ok());
  CHECK((*first)["step"]["line"] == 7);
  CHECK(parse_json(text.substr(text.find('\n') + 1)).ok());
}
