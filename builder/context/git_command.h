// The git program in a closed environment: no configuration but ours, no prompts, no hooks, http
// and https only, no secret in an argument list. Internal to this module.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "builder/context/child_process.h"
#include "common/git/credentials.h"

namespace imagebuild::context {

struct GitOptions {
  std::string git_directory,
      work_tree;     ///< GIT_DIR and GIT_WORK_TREE; empty: git looks for them itself
  std::string home;  ///< an empty directory
  std::string ca_file;
  std::string credentials_origin;  ///< "https://host[:port]": where the credentials may go,
                                   ///< and nowhere else
  std::optional<git::Credentials> credentials;
};

class GitCommand {
 public:
  GitCommand(GitOptions options, std::stop_token stop)
      : options_(std::move(options)), stop_(std::move(stop)) {}

  /// Runs `git args…`; any exit code is a value.
  Result<Finished> run(const std::vector<std::string>& args) const;
  /// The output without its last newline; a failure is an error of the kind that its text tells.
  Result<std::string> output(const std::vector<std::string>& args) const;

 private:
  std::vector<std::string> environment() const;

  const GitOptions options_;
  const std::stop_token stop_;
};

/// What git's complaint means for the caller: Denied, NotFound, Transient, InvalidInput or
/// Internal; one line.
Error git_error(const Finished& finished);

}  // namespace imagebuild::context
