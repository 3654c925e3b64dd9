// The variables one stage sees, instruction by instruction. ENV goes into the image and ARG does
// not; where both set a name, the later instruction counts (BuildKit; the classic builder let ENV
// win always). Pure.
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

  /// A stage that stands on another stage sees the ARGs declared there, too.
  void inherit(const Scope& base);

  /// ENV, also that of the base image.
  void set_env(std::string name, std::string value);
  /// ARG, definition by definition: `ARG a=1 b=$a` sees the new a. A default is expanded only when
  /// it is needed: `ARG a=${b:?}` is no error when a was passed. InvalidInput: it does not expand.
  Result<void> declare(const dockerfile::Arg& arg, char escape);
  /// One ARG name[=default]; the default is already expanded. Passed values win over defaults,
  /// defaults over the global scope's; an ARG without any of them leaves the name as it was.
  void declare_arg(const std::string& name, const std::optional<std::string>& default_value);

  /// What `$name` is here; nullopt when neither ENV nor ARG gave a value.
  std::optional<std::string> find(std::string_view name) const;
  dockerfile::VariableLookup lookup() const;

  /// The declared ARGs that have a value, in the order of their declarations, with what `$name` is
  /// here: RUN gets them on top of the image's ENV, and its history entry shows them.
  std::vector<std::pair<std::string, std::string>> visible_args() const;
  /// Predefined arguments (HTTP_PROXY …) that were passed and not declared: RUN gets them, the
  /// history does not.
  std::vector<std::pair<std::string, std::string>> hidden_args() const;

 private:
  /// ENV and ARG of one name; nullopt: that one gave no value.
  struct Variable {
    std::optional<std::string> env, arg;
    bool arg_is_later = false;
    bool declared = false;  ///< by an ARG: the name is in declared_
  };
  bool is_declared(std::string_view name) const;
  Variable& declared_variable(const std::string& name);

  const std::map<std::string, std::string>* global_args_;  // of the Plan, which outlives the stage
  const std::map<std::string, std::string>* build_args_;
  std::map<std::string, Variable, std::less<>> variables_;
  std::vector<std::string> declared_;  // names of ARGs in order, each once
};

}  // namespace imagebuild::plan
