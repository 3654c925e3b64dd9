// The command line: which commands and flags there are, and which function each command is.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "plugin/commands.h"

namespace imagebuild::plugin {

/// The parser and where it writes to; neither is moved, because the parser points into it.
class Cli {
 public:
  Cli();
  Cli(const Cli&) = delete;
  Cli& operator=(const Cli&) = delete;

  CLI::App& app() { return app_; }
  const ConnectionFlags& connection() const { return connection_; }
  /// What the parsed command does; empty for those without a cluster (completion).
  const std::function<Result<int>(Session&)>& command() const { return command_; }
  const std::string& completion_shell() const { return shell_; }

 private:
  CLI::App* add(const std::string& name, const std::string& about,
                std::function<Result<int>(Session&)> run);
  void add_reading();
  void add_acting();
  void add_diff();
  void add_build();

  CLI::App app_;
  ConnectionFlags connection_;
  ReadFlags sizes_, why_;
  ListFlags list_;
  LogsFlags logs_;
  RebuildFlags rebuild_;
  std::string acted_on_;
  DiffFlags diff_;
  BuildFlags build_;
  std::string shell_;
  std::function<Result<int>(Session&)> command_;
};

}  // namespace imagebuild::plugin
