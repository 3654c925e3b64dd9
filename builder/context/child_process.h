// Running a program to its end with a given environment, its output bounded, and killed with its
// group when asked to stop. Internal to this module: git is the only program.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace imagebuild::context {

struct Command {
  std::vector<std::string> argv;
  std::vector<std::string> environment;  ///< "NAME=value", all there is
  std::string directory;                 ///< working directory; empty: ours
  std::chrono::seconds timeout{600};
};

struct Finished {
  int exit_code = 0;   ///< 128 + signal when it was killed by one
  std::string output;  ///< at most 1 MiB of each; the rest is dropped
  std::string errors;
};

/// NotFound: there is no such program. Canceled: stopped. Transient: the time-out passed. Any exit
/// code is a value.
Result<Finished> run_command(const Command& command, std::stop_token stop);

}  // namespace imagebuild::context
