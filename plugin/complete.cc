#include "plugin/complete.h"

#include <algorithm>

namespace imagebuild::plugin {
namespace {

/// Where on the line the cursor is.
struct Position {
  CLI::App* command = nullptr;
  const CLI::Option* awaiting = nullptr;  ///< the flag whose value comes next
  bool lost = false;                      ///< a command that there is not
  std::size_t arguments = 0;              ///< positional words of the command so far
  NameQuery query;
};

CLI::App* find_command(CLI::App& app, const std::string& name) {
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; }))
    if (sub->get_name() == name) return sub;
  return nullptr;
}

const CLI::Option* find_option(CLI::App& app, const Position& position, const std::string& word) {
  for (CLI::App* from : {position.command, &app})
    if (from != nullptr)
      for (const CLI::Option* option : from->get_options())
        if (option->check_name(word)) return option;
  return nullptr;
}

void take_value(Position& position, const std::string& flag, const std::string& value) {
  if (flag == "-n" || flag == "--namespace") position.query.name_space = value;
  if (flag == "--context") position.query.context = value;
  if (flag == "--kubeconfig") position.query.kubeconfig = value;
}

Position locate(CLI::App& app, const std::vector<std::string>& words) {
  Position position;
  std::string flag;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (position.awaiting != nullptr) {
      take_value(position, flag, word);
      position.awaiting = nullptr;
    } else if (word.starts_with("-")) {
      const std::size_t equals = word.find('=');
      flag = word.substr(0, equals);
      const CLI::Option* option = find_option(app, position, flag);
      if (equals != std::string::npos)
        take_value(position, flag, word.substr(equals + 1));
      else if (option != nullptr && option->get_items_expected_max() > 0)
        position.awaiting = option;
    } else if (position.command == nullptr) {
      position.command = find_command(app, word);
      position.lost = position.lost || position.command == nullptr;
    } else {
      ++position.arguments;
    }
  }
  return position;
}

/// The closed set of a flag's or an argument's values, as its description names it.
std::vector<std::string> values_of(const std::string& name) {
  if (name == "-o" || name == "--output" || name == "output") return {"table", "json", "yaml"};
  if (name == "sort") return {"name", "size", "delta", "baseline"};
  if (name == "SHELL") return {"bash", "zsh", "fish"};
  return {};
}

std::string positional_name(const CLI::App& command, std::size_t index) {
  for (const CLI::Option* option : command.get_options())
    if (option->get_positional() && index-- == 0) return option->get_name(true, false);
  return "";
}

std::vector<std::string> flags_of(CLI::App& app, const Position& position) {
  std::vector<std::string> flags;
  for (CLI::App* from : {position.command, &app})
    if (from != nullptr)
      for (const CLI::Option* option : from->get_options())
        for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  return flags;
}

std::vector<std::string> candidates(CLI::App& app, const Position& position,
                                    const std::string& word, const NamesFor& names) {
  if (position.lost) return {};
  if (position.awaiting != nullptr) {
    const auto& long_names = position.awaiting->get_lnames();
    return long_names.empty() ? std::vector<std::string>() : values_of(long_names.front());
  }
  if (word.starts_with("-")) return flags_of(app, position);
  if (position.command == nullptr) {
    std::vector<std::string> commands;
    for (const CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; }))
      commands.push_back(sub->get_name());
    return commands;
  }
  const std::string argument = positional_name(*position.command, position.arguments);
  return argument == "NAME" ? names(position.query) : values_of(argument);
}

constexpr const char* kBash = R"(# bash completion for kubectl-imagebuild
_kubectl_imagebuild() {
  local word
  COMPREPLY=()
  while IFS= read -r word; do
    [[ $word == :* ]] || COMPREPLY+=("$word")
  done < <(kubectl-imagebuild __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _kubectl_imagebuild kubectl-imagebuild
)";

constexpr const char* kZsh = R"(#compdef kubectl-imagebuild
# zsh completion for kubectl-imagebuild
_kubectl_imagebuild() {
  local -a found
  found=("${(@f)$(kubectl-imagebuild __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("${(@)found:#:*}")
  found=("${(@)found:#}")
  if (( ${#found} )); then compadd -a found; else _files; fi
}
if [ "$funcstack[1]" = "_kubectl_imagebuild" ]; then
  _kubectl_imagebuild
else
  compdef _kubectl_imagebuild kubectl-imagebuild
fi
)";

constexpr const char* kFish = R"(# fish completion for kubectl-imagebuild
function __kubectl_imagebuild
  set -l words (commandline -opc) (commandline -ct)
  kubectl-imagebuild __complete $words[2..-1] 2>/dev/null | string match -v ':*'
end
complete -c kubectl-imagebuild -a '(__kubectl_imagebuild)'
)";

}  // namespace

std::vector<std::string> complete(CLI::App& app, const std::vector<std::string>& words,
                                  const NamesFor& names) {
  const std::string word = words.empty() ? "" : words.back();
  std::vector<std::string> found;
  for (const std::string& candidate : candidates(app, locate(app, words), word, names))
    if (candidate.starts_with(word)) found.push_back(candidate);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::string completion_script(const std::string& shell) {
  return shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish;
}

}  // namespace imagebuild::plugin
