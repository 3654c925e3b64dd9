#include "builder/executor/failure_note.h"

#include <algorithm>

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::executor;
using api::FailureClass;

TEST_CASE("what an error means depends on what was being done") {
  struct Row {
    ErrorKind kind;
    Doing doing;
    FailureClass failure_class;
    std::string_view reason;
  };
  const Row rows[] = {
      {ErrorKind::InvalidInput, Doing::Dockerfile, FailureClass::Terminal,
       api::reason::kBadDockerfile},
      {ErrorKind::InvalidInput, Doing::Context, FailureClass::Terminal, api::reason::kBadContext},
      {ErrorKind::InvalidInput, Doing::Pull, FailureClass::Transient, api::reason::kDigestMismatch},
      {ErrorKind::InvalidInput, Doing::Isolation, FailureClass::Config,
       api::reason::kIsolationUnavailable},
      {ErrorKind::InvalidInput, Doing::Step, FailureClass::Terminal, api::reason::kBuildFailed},
      {ErrorKind::NotFound, Doing::Context, FailureClass::Config, api::reason::kSourceNotFound},
      {ErrorKind::NotFound, Doing::Pull, FailureClass::Config, api::reason::kBaseImageNotFound},
      {ErrorKind::NotFound, Doing::Push, FailureClass::Config, api::reason::kRegistryDenied},
      {ErrorKind::NotFound, Doing::Step, FailureClass::Terminal, api::reason::kBuildFailed},
      {ErrorKind::Denied, Doing::Context, FailureClass::Config, api::reason::kSourceDenied},
      {ErrorKind::Denied, Doing::Pull, FailureClass::Config, api::reason::kRegistryDenied},
      {ErrorKind::Denied, Doing::Push, FailureClass::Config, api::reason::kRegistryDenied},
      {ErrorKind::Denied, Doing::Isolation, FailureClass::Config,
       api::reason::kIsolationUnavailable},
      {ErrorKind::Denied, Doing::Step, FailureClass::Terminal, api::reason::kBuildFailed},
      {ErrorKind::Transient, Doing::Context, FailureClass::Transient,
       api::reason::kSourceUnavailable},
      {ErrorKind::Transient, Doing::Pull, FailureClass::Transient,
       api::reason::kRegistryUnavailable},
      {ErrorKind::Transient, Doing::Push, FailureClass::Transient,
       api::reason::kRegistryUnavailable},
      {ErrorKind::Transient, Doing::Step, FailureClass::Transient, api::reason::kOutOfDisk},
      {ErrorKind::Conflict, Doing::Push, FailureClass::Transient,
       api::reason::kRegistryUnavailable},
      {ErrorKind::Internal, Doing::Isolation, FailureClass::Config,
       api::reason::kIsolationUnavailable},
      {ErrorKind::Internal, Doing::Push, FailureClass::Transient, api::reason::kDigestMismatch},
      {ErrorKind::Internal, Doing::Step, FailureClass::Terminal, api::reason::kBuildFailed},
      {ErrorKind::Canceled, Doing::Step, FailureClass::Transient, api::reason::kInterrupted},
      {ErrorKind::Canceled, Doing::Pull, FailureClass::Transient, api::reason::kInterrupted},
  };
  for (const auto& row : rows) {
    auto failure = make_failure(fail(row.kind, "text"), row.doing);
    INFO("kind " << static_cast<int>(row.kind) << ", doing " << static_cast<int>(row.doing));
    CHECK(failure.failure_class == row.failure_class);
    CHECK(failure.reason == row.reason);
    CHECK(failure.message == "text");
  }
}

TEST_CASE("every failure has a reason of the closed set") {
  const auto& known = api::failure_reasons();
  for (auto kind :
       {ErrorKind::NotFound, ErrorKind::Denied, ErrorKind::InvalidInput, ErrorKind::Conflict,
        ErrorKind::Transient, ErrorKind::Canceled, ErrorKind::Internal}) {
    for (auto doing : {Doing::Dockerfile, Doing::Context, Doing::Pull, Doing::Step, Doing::Push,
                       Doing::Isolation}) {
      auto reason = make_failure(fail(kind, ""), doing).reason;
      INFO(reason);
      CHECK(std::find(known.begin(), known.end(), reason) != known.end());
    }
  }
}

TEST_CASE("the first note wins: what follows is a consequence") {
  FailureNote note;
  note.at("build", 7);
  auto first = note.because(Doing::Pull, fail(ErrorKind::NotFound, "no such image"));
  CHECK(first.kind == ErrorKind::NotFound);
  CHECK(first.message == "no such image");
  note.at("other", 9);
  CHECK(note.because(Doing::Push, fail(ErrorKind::Transient, "later")).message == "later");
  note.set({.reason = "BuildFailed"});
  auto taken = note.take(fail(ErrorKind::Canceled, "stopped"));
  CHECK(taken.reason == api::reason::kBaseImageNotFound);
  CHECK(taken.message == "no such image");
  CHECK(taken.stage == "build");
  CHECK(taken.line == 7);
}

TEST_CASE("a failure that knows its place keeps it") {
  FailureNote note;
  note.at("build", 7);
  note.set({.reason = "BuildFailed", .stage = "test", .line = 3, .exit_code = 42});
  auto taken = note.take(fail(ErrorKind::Internal, ""));
  CHECK(taken.stage == "test");
  CHECK(taken.line == 3);
  CHECK(taken.exit_code == 42);
}

TEST_CASE("without a note the error is a failed step where the build is") {
  FailureNote note;
  note.at("build", 7);
  auto taken = note.take(fail(ErrorKind::InvalidInput, "odd"));
  CHECK(taken.failure_class == FailureClass::Terminal);
  CHECK(taken.reason == api::reason::kBuildFailed);
  CHECK(taken.message == "odd");
  CHECK(taken.stage == "build");
  CHECK(taken.line == 7);
  CHECK_FALSE(taken.exit_code);
}
