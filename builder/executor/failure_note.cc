#include "builder/executor/failure_note.h"

namespace imagebuild::executor {
namespace {

namespace reason = api::reason;
using api::FailureClass;

struct Verdict {
  FailureClass failure_class;
  std::string_view reason;
};

Verdict judge_transient(Doing doing) {
  switch (doing) {
    case Doing::Context:
      return {FailureClass::Transient, reason::kSourceUnavailable};
    case Doing::Pull:
    case Doing::Push:
      return {FailureClass::Transient, reason::kRegistryUnavailable};
    // Errors of the machine (no space, no memory, EIO) are the transient ones that happen in steps.
    default:
      return {FailureClass::Transient, reason::kOutOfDisk};
  }
}

Verdict judge_denied(Doing doing) {
  switch (doing) {
    case Doing::Context:
      return {FailureClass::Config, reason::kSourceDenied};
    case Doing::Pull:
    case Doing::Push:
      return {FailureClass::Config, reason::kRegistryDenied};
    case Doing::Isolation:
      return {FailureClass::Config, reason::kIsolationUnavailable};
    default:
      return {FailureClass::Terminal, reason::kBuildFailed};
  }
}

Verdict judge_not_found(Doing doing) {
  switch (doing) {
    case Doing::Context:
      return {FailureClass::Config, reason::kSourceNotFound};
    case Doing::Pull:
      return {FailureClass::Config, reason::kBaseImageNotFound};
    case Doing::Push:
      return {FailureClass::Config, reason::kRegistryDenied};
    case Doing::Isolation:
      return {FailureClass::Config, reason::kIsolationUnavailable};
    default:
      return {FailureClass::Terminal, reason::kBuildFailed};
  }
}

Verdict judge_invalid(Doing doing) {
  switch (doing) {
    case Doing::Dockerfile:
      return {FailureClass::Terminal, reason::kBadDockerfile};
    case Doing::Context:
      return {FailureClass::Terminal, reason::kBadContext};
    case Doing::Pull:
    case Doing::Push:
      return {FailureClass::Transient, reason::kDigestMismatch};
    case Doing::Isolation:
      return {FailureClass::Config, reason::kIsolationUnavailable};
    case Doing::Step:
      return {FailureClass::Terminal, reason::kBuildFailed};
  }
  return {FailureClass::Terminal, reason::kBuildFailed};
}

Verdict judge(const Error& error, Doing doing) {
  switch (error.kind) {
    case ErrorKind::Transient:
    case ErrorKind::Conflict:
      return judge_transient(doing);
    case ErrorKind::Denied:
      return judge_denied(doing);
    case ErrorKind::NotFound:
      return judge_not_found(doing);
    case ErrorKind::InvalidInput:
      return judge_invalid(doing);
    case ErrorKind::Canceled:
      return {FailureClass::Transient, reason::kInterrupted};
    case ErrorKind::Internal:
      break;
  }
  if (doing == Doing::Push || doing == Doing::Pull)
    return {FailureClass::Transient, reason::kDigestMismatch};
  if (doing == Doing::Isolation) return {FailureClass::Config, reason::kIsolationUnavailable};
  return {FailureClass::Terminal, reason::kBuildFailed};
}

}  // namespace

api::Failure make_failure(const Error& error, Doing doing) {
  auto [failure_class, why] = judge(error, doing);
  return {.failure_class = failure_class, .reason = std::string(why), .message = error.message};
}

Error FailureNote::because(Doing doing, Error error) {
  set(make_failure(error, doing));
  return error;
}

void FailureNote::set(api::Failure failure) {
  std::lock_guard lock(mutex_);
  if (failure_) return;
  if (failure.stage.empty()) failure.stage = stage_;
  if (failure.line == 0) failure.line = line_;
  failure_ = std::move(failure);
}

void FailureNote::at(std::string stage, int line) {
  std::lock_guard lock(mutex_);
  stage_ = std::move(stage);
  line_ = line;
}

api::Failure FailureNote::take(const Error& error) const {
  std::lock_guard lock(mutex_);
  if (failure_) return *failure_;
  api::Failure failure = make_failure(error, Doing::Step);
  failure.stage = stage_;
  failure.line = line_;
  return failure;
}

}  // namespace imagebuild::executor
