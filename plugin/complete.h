// Completion for shells: what may stand where the cursor is.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace imagebuild::plugin {

/// Asked for when an ImageBuild's name fits; gets -n, --context and --kubeconfig of the line.
struct NameQuery {
  std::string name_space, context, kubeconfig;
};
using NamesFor = std::function<std::vector<std::string>(const NameQuery&)>;

/// `words` are those after the program's name; the last is the one to complete ("" after a blank).
/// Commands, flags, the words of a closed set, or names.
std::vector<std::string> complete(CLI::App& app, const std::vector<std::string>& words,
                                  const NamesFor& names);

/// The script for bash, zsh or fish; it calls `kubectl-imagebuild __complete …`.
std::string completion_script(const std::string& shell);

}  // namespace imagebuild::plugin
