#include "common/contract/build_report.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::contract;

namespace {

std::string hex(char c) { return "sha256:" + std::string(64, c); }

BuildReport sample(int layers) {
  BuildReport report;
  report.digest = hex('d');
  report.tags = {"sha-1a2b-12345678", "main"};
  PlatformReport platform{.platform = "linux/amd64", .digest = hex('d')};
  for (int i = 0; i < layers; ++i)
    platform.layers.push_back({hex('a'), 1000u + static_cast<unsigned>(i), 3000,
                               i == 0 ? LayerOrigin::Base : LayerOrigin::Own, i,
                               "RUN npm ci --only=production"});
  platform.sum_layers();
  platform.waste_is_known = true;
  for (auto& layer : platform.layers) platform.wasted_bytes += layer.wasted_bytes = 77;
  platform.largest_paths = {{"/usr/bin/node", 90'000'000, 0}, {"/app/" + hex('p'), 4, 1}};
  platform.advice = {{7, 1'000'000, "1.0 MiB of npm's cache stay in this layer"}, {0, 5, "x"}};
  report.platforms.push_back(platform);
  report.inputs = {std::string(40, 'c'),
                   "main@sha1:cccc",
                   "tree",
                   {{"docker.io/library/alpine:3.10", "linux/amd64", hex('b')}}};
  report.phases = {1.5, 0.25, 12.0, 3.0, 17.0};
  report.pushed_bytes = 5000;
  report.isolation = "overlay";
  return report;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("a report survives its two channels") {
  for (int layers : {0, 1, 3, 127}) {
    BuildReport report = sample(layers);
    auto lines = report_lines(report);
    for (const std::string& line : lines) CHECK(line.size() <= kReportLineLimit);
    auto read = parse_termination_message(termination_message(report));
    REQUIRE(read.ok());
    CHECK(read->log_parts == static_cast<int>(lines.size()));
    CHECK(read->platforms[0].size_bytes == report.platforms[0].size_bytes);
    CHECK(read->platforms[0].own_size_bytes == report.platforms[0].own_size_bytes);
    CHECK(read->inputs.bases == report.inputs.bases);
    CHECK(read->phases.total == 17.0);
    REQUIRE(attach_layers(*read, "npm says hello\n" + joined(lines)).ok());
    CHECK(report_to_json(*read)["platforms"] == report_to_json(report)["platforms"]);
  }
}

TEST_CASE("the layer table is taken whole or not at all") {
  BuildReport report = sample(60);
  auto lines = report_lines(report);
  REQUIRE(lines.size() > 2);
  const BuildReport read = *parse_termination_message(termination_message(report));

  auto missing = lines;
  missing.erase(missing.begin() + 1);
  BuildReport copy = read;
  CHECK_FALSE(attach_layers(copy, joined(missing)).ok());
  CHECK(copy.platforms[0].layers.empty());

  auto changed = lines;
  changed.back().replace(changed.back().find("\"own\""), 5, "\"owm\"");
  CHECK_FALSE(attach_layers(copy, joined(changed)).ok());
  CHECK(copy.platforms[0].layers.empty());
}

TEST_CASE("attack: a report printed by a RUN step is not the builder's") {
  BuildReport report = sample(3);
  BuildReport forged = sample(3);
  forged.platforms[0].layers[0].size_bytes = 1;
  BuildReport read = *parse_termination_message(termination_message(report));
  // Printed before: the builder's own line comes last and wins.
  REQUIRE(attach_layers(read, joined(report_lines(forged)) + joined(report_lines(report))).ok());
  CHECK(read.platforms[0].layers[0].size_bytes == 1000);
  // Printed instead of it: the hash tells.
  CHECK_FALSE(attach_layers(read, joined(report_lines(forged))).ok());
}

TEST_CASE("while it runs, the message says which step") {
  BuildReport running;
  running.state = ReportState::Running;
  running.stage = "build";
  running.line = 14;
  running.step = "7/12 RUN npm ci";
  CHECK(termination_message(running) ==
        R"({"line":14,"stage":"build","state":"Running","step":"7/12 RUN npm ci"})");
  auto read = parse_termination_message(termination_message(running));
  CHECK(read->state == ReportState::Running);
  CHECK(read->line == 14);
}

TEST_CASE("the termination message never exceeds 4096 bytes and is always JSON in UTF-8") {
  const std::string texts[] = {std::string(100'000, 'x'), std::string(100'000, '\x01'),
                               std::string(100'000, '\xff'), std::string(100'000, '"'), [] {
                                 std::string wide;
                                 for (int i = 0; i < 30'000; ++i) wide += "\xf0\x9f\x92\xa9";
                                 return wide;
                               }()};
  for (const std::string& text : texts) {
    BuildReport report = sample(127);
    report.result = BuildResult::Failure;
    report.failure =
        api::Failure{api::FailureClass::Terminal, "BuildFailed", text, text, 7, 137, text};
    report.stage = report.step = report.digest = report.isolation = text;
    report.inputs = {text, text, text, std::vector<Base>(50, Base{text, text, text})};
    report.tags.assign(100, text);
    report.platforms.assign(20, report.platforms[0]);
    for (auto& platform : report.platforms) platform.platform = platform.digest = text;
    std::string message = termination_message(report);
    CHECK(message.size() <= kTerminationLimit);
    auto read = parse_termination_message(message);
    REQUIRE(read.ok());
    CHECK(read->result == BuildResult::Failure);
    CHECK(read->failure->reason == "BuildFailed");
    CHECK(read->failure->exit_code == 137);
    CHECK(read->failure->line == 7);
    report.state = ReportState::Running;
    CHECK(termination_message(report).size() <= kTerminationLimit);
  }
}

TEST_CASE("layers that do not fit are left out as a whole, and nothing else is") {
  for (int layers : {1000, 1025, 5000}) {
    BuildReport report = sample(layers);
    auto& platform = report.platforms[0];
    for (auto& layer : platform.layers) layer.created_by = std::string(96, 'x');
    platform.largest_paths = {{"/big", 7, 1}};
    platform.advice = {{3, 9, "smaller"}};
    const auto lines = report_lines(report);
    CHECK(lines.size() <= 64);
    auto read = parse_termination_message(termination_message(report));
    REQUIRE(read.ok());
    REQUIRE(attach_layers(*read, joined(lines)).ok());
    CHECK(read->platforms[0].layer_count == layers);
    CHECK((read->platforms[0].layers.empty() ||
           static_cast<int>(read->platforms[0].layers.size()) == layers));
    if (layers > 1024) CHECK(read->platforms[0].layers.empty());
    REQUIRE(read->platforms[0].largest_paths.size() == 1);
    CHECK(read->platforms[0].largest_paths[0].path == "/big");
    REQUIRE(read->platforms[0].advice.size() == 1);
    CHECK(read->platforms[0].advice[0].saves_bytes == 9);
  }
}

TEST_CASE("of the output the end is kept") {
  BuildReport report;
  report.result = BuildResult::Failure;
  report.failure = api::Failure{.reason = "BuildFailed",
                                .log_tail = std::string(5000, 'x') + "npm ERR! the cause"};
  auto read = parse_termination_message(termination_message(report));
  CHECK(read->failure->log_tail.size() <= 1536);
  CHECK(read->failure->log_tail.ends_with("npm ERR! the cause"));
}

TEST_CASE("foreign and cut termination messages are errors, foreign values do not throw") {
  for (const char* text : {"", "null", "[]", "{}", "OOM", "{\"state\":\"Done\"", "{\"state\":5}"})
    CHECK_FALSE(parse_termination_message(text).ok());
  auto read = parse_termination_message(
      R"({"state":"Done","result":7,"digest":[],"platforms":[1,{"sizeBytes":-5,"layerCount":"x"}],"inputs":[],"phases":3,"failure":9,"logParts":-1,"tags":[1]})");
  REQUIRE(read.ok());
  CHECK(read->result == BuildResult::Failure);
  CHECK(read->platforms[0].size_bytes == 0);
  CHECK(read->log_parts == 0);
}

TEST_CASE("a reason outside the closed set does not become one") {
  CHECK(api::known_reason("BuildFailed") == "BuildFailed");
  CHECK(api::known_reason("x{evil=\"1\"}") == api::reason::kBuilderCrashed);
  CHECK(api::clip_back("a\xc3\xa4", 2) == "a");
  CHECK(api::clip_front("\xc3\xa4z", 2) == "z");
  CHECK(api::clip_back("\xed\xa0\x80", 9) == "???");
}
