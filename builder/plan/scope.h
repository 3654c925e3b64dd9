// The variables one stage sees, instruction by instruction: ENV (goes into the image) wins over ARG
// (does not), each from the line where it stands. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "builder/dockerfile/expand.h"

namespace imagebuild::plan {

class Scope {
 public:
  /// `global_args`: the ARGs before the first FROM, which a stage sees once it declares them.
  /// `build_args`: what the user passed.
  Scope(const std::map<std::string, std::string>& global_args,
        const std::map<std::string, std::string>& build_args)
      : global_args_(&global_args), build_args_(&build_args) {}

  /// ENV, also that of the base image.
  void set_env(std::string name, std::string value) { env_[std::move(name)] = std::move(value); }
  /// ARG name[=default]; the default is already expanded.
  void declare_arg(const std::string& name, const std::optional<std::string>& default_value);

  /// ENV, then ARG; nullopt when neither has a value.
  std::optional<std::string> find(std::string_view name) const;
  dockerfile::VariableLookup lookup() const;

  /// The declared ARGs that have a value and no ENV of their name, sorted: what RUN gets beside ENV
  /// and what its history entry shows.
  std::vector<std::pair<std::string, std::string>> visible_args() const;
  /// Predefined arguments (HTTP_PROXY …) that were passed and not declared: RUN gets them, the
  /// history does not.
  std::vector<std::pair<std::string, std::string>> hidden_args() const;

 private:
  const std::map<std::string, std::string>* global_args_;  // of the Plan, which outlives the stage
  const std::map<std::string, std::string>* build_args_;
  std::map<std::string, std::string> env_;
  std::map<std::string, std::optional<std::string>> args_;
};

}  // namespace imagebuild::plan
