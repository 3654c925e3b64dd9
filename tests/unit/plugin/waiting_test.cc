// What a status means for somebody who waits.
#include "plugin/waiting.h"

#include "plugin/builder_log.h"
#include "plugin/log_stream.h"
#include "tests/unit/plugin/objects.h"

using namespace imagebuild;
using namespace imagebuild::plugin;
using namespace imagebuild::plugin::testing;
using State = Verdict::State;

TEST_CASE("every situation is a verdict") {
  struct Row {
    const char* what;
    const char* status;
    State state;
    const char* spec = "";
    const char* token = "";
  };
  const Row rows[] = {
      {"nobody looked yet", "{observedGeneration: -1}", State::Waiting},
      {"an older generation's success says nothing",
       "{observedGeneration: 1, conditions: [{type: UpToDate, status: 'True', reason: "
       "InputsBuilt}]}",
       State::Waiting},
      {"it is queued",
       "{observedGeneration: 2, conditions: [{type: Ready, status: Unknown, reason: Queued}]}",
       State::Waiting},
      {"its pod runs",
       "{observedGeneration: 2, build: {pod: p}, conditions: [{type: Ready, status: Unknown, "
       "reason: Progressing}]}",
       State::Running},
      {"it is up to date",
       "{observedGeneration: 2, conditions: [{type: UpToDate, status: 'True', reason: "
       "InputsBuilt}]}",
       State::Succeeded},
      {"another build's success does not answer a token",
       "{observedGeneration: 2, build: {pod: p, token: old, result: Success}, conditions: [{type: "
       "UpToDate, status: 'True', reason: InputsBuilt}]}",
       State::Waiting, "", "new"},
      {"the build that answers the token succeeded",
       "{observedGeneration: 2, build: {pod: p, token: new, result: Success}, conditions: [{type: "
       "UpToDate, status: 'True', reason: InputsBuilt}]}",
       State::Succeeded, "", "new"},
      {"a terminal failure ends it",
       "{observedGeneration: 2, build: {pod: p, result: Failure, failure: {class: Terminal, "
       "reason: "
       "BuildFailed}}, conditions: [{type: UpToDate, status: 'False', reason: BuildFailed}]}",
       State::Failed},
      {"a transient failure with retries left does not",
       "{observedGeneration: 2, build: {pod: p, retries: 1, result: Failure, failure: {class: "
       "Transient, reason: PodLost}}, conditions: [{type: UpToDate, status: 'False', reason: "
       "PodLost}]}",
       State::Waiting},
      {"one without does",
       "{observedGeneration: 2, build: {pod: p, retries: 2, result: Failure, failure: {class: "
       "Transient, reason: PodLost}}, conditions: [{type: UpToDate, status: 'False', reason: "
       "PodLost}]}",
       State::Failed},
      {"a configuration failure needs somebody",
       "{observedGeneration: 2, build: {pod: p, result: Failure, failure: {class: Config, reason: "
       "RegistryDenied}}, conditions: [{type: UpToDate, status: 'False', reason: RegistryDenied}]}",
       State::Failed},
      {"a superseded build is followed by another",
       "{observedGeneration: 2, build: {pod: p, result: Superseded}, conditions: [{type: UpToDate, "
       "status: 'False', reason: Pending}]}",
       State::Waiting},
      {"a refusal without a build ends it",
       "{observedGeneration: 2, conditions: [{type: Ready, status: 'False', reason: InvalidSpec, "
       "message: 'spec.image: bad'}, {type: Stalled, status: 'True', reason: InvalidSpec}]}",
       State::Failed},
      {"nothing starts while it is suspended", "{observedGeneration: 2}", State::Failed,
       "{suspend: true}"},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const View view = view_from_json({{"metadata", {{"name", "web"}, {"namespace", "default"}}},
                                      {"spec", yaml(row.spec)},
                                      {"status", yaml(row.status)}});
    const Verdict verdict = judge(view, {.generation = 2, .token = row.token}, 2);
    CHECK(static_cast<int>(verdict.state) == static_cast<int>(row.state));
    CHECK_FALSE(verdict.text.empty());
  }
}

TEST_CASE("a log that is asked for again goes on where it stood") {
  std::string got;
  const LineSink take = [&](std::string_view line) { got += std::string(line) + "|"; };
  LogLines lines;
  lines.feed("2026-11-24T07:00:00.100000000Z one\n2026-11-24T07:00:00.2", take);
  lines.feed("00000000Z two\n2026-11-24T07:00:00.200000000Z three\n2026-11-24T07:00:00.3Z cut he",
             take);
  lines.end(true, take);
  CHECK(got == "one|two|three|");
  CHECK(lines.since() == "2026-11-24T07:00:00.200000000Z");
  // sinceTime has whole seconds on old servers: everything of that second comes again.
  got.clear();
  lines.feed(
      "2026-11-24T07:00:00.100000000Z one\n2026-11-24T07:00:00.200000000Z two\n"
      "2026-11-24T07:00:00.200000000Z three\n2026-11-24T07:00:00.200000000Z four\n"
      "2026-11-24T07:00:00.3Z cut here\n",
      take);
  lines.end(false, take);
  CHECK(got == "four|cut here|");
}

TEST_CASE("log lines without a time and without an end are given as they are") {
  std::string got;
  const LineSink take = [&](std::string_view line) { got += std::string(line) + "|"; };
  LogLines lines;
  lines.feed("plain line\nno end", take);
  lines.end(false, take);
  CHECK(got == "plain line|no end|");
  std::size_t pieces = 0;
  LogLines().feed(std::string(200'000, 'x'), [&](std::string_view) { ++pieces; });
  CHECK(pieces == 3);
}

TEST_CASE("the operator's lines are told from the builder's") {
  CHECK(is_report_line("imagebuild-report/v1 1/2 {}"));
  CHECK_FALSE(is_report_line("imagebuild-report/v10 1/2"));
  CHECK_FALSE(is_report_line(" imagebuild-report/v1 1/2 {}"));
}

TEST_CASE("a pod that does not start says why") {
  const auto why = [](const char* status) { return why_pending({{"status", yaml(status)}}); };
  CHECK(why("{phase: Running}").empty());
  CHECK(why("{phase: Pending}") == "Pending");
  CHECK(why("{phase: Pending, containerStatuses: [{state: {waiting: {reason: ImagePullBackOff, "
            "message: no}}}]}") == "ImagePullBackOff: no");
  CHECK(why("{phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: "
            "Unschedulable, message: '0/3 nodes'}]}") == "Unschedulable: 0/3 nodes");
}
