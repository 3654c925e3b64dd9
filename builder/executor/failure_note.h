// Why a build failed, noted where it is known. Errors travel as values of few kinds; the reason
// that ends in the status, the Dockerfile line and the exit code are known only deep inside, at the
// first failure, and are kept here.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "common/api/failure.h"
#include "common/base/result.h"

namespace imagebuild::executor {

/// What is being done when something fails: decides the reason of an error
/// that says no more than its kind.
enum class Doing { Dockerfile, Context, Pull, Step, Push, Isolation };

/// The failure that an error means, by what was being done: pure.
api::Failure make_failure(const Error& error, Doing doing);

/// Thread-safe; the first note wins, later ones are consequences.
class FailureNote {
 public:
  /// Notes the error's failure and hands the error on: `return note.because(Doing::Pull, error)`.
  Error because(Doing doing, Error error);
  /// Notes a failure that is known in full (RUN's exit code, …).
  void set(api::Failure failure);
  /// Where the build is: stage and line are added to a failure that has none.
  void at(std::string stage, int line);

  /// The noted failure, else one made from `error`.
  api::Failure take(const Error& error) const;

 private:
  mutable std::mutex mutex_;  // guards everything below
  std::optional<api::Failure> failure_;
  std::string stage_;
  int line_ = 0;
};

}  // namespace imagebuild::executor
