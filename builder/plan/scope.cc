#include "builder/plan/scope.h"

#include "builder/plan/plan.h"

namespace imagebuild::plan {

void Scope::inherit(const Scope& base) {
  for (const auto& name : base.declared_) declared_variable(name);
  for (const auto& [name, variable] : base.variables_) variables_[name] = variable;
}

void Scope::set_env(std::string name, std::string value) {
  Variable& variable = variables_[std::move(name)];
  variable.env = std::move(value);
  variable.arg_is_later = false;
}

Result<void> Scope::declare(const dockerfile::Arg& arg, char escape) {
  for (const auto& definition : arg.definitions) {
    std::optional<std::string> value = definition.value;
    if (value && !build_args_->contains(definition.name))
      value =
          TRY_CONTEXT(dockerfile::expand(*value, lookup(), {.escape = escape}), definition.name);
    declare_arg(definition.name, value);
  }
  return {};
}

void Scope::declare_arg(const std::string& name, const std::optional<std::string>& default_value) {
  Variable& variable = declared_variable(name);
  std::optional<std::string> value = default_value;
  if (auto given = build_args_->find(name); given != build_args_->end())
    value = given->second;
  else if (auto global = global_args_->find(name); !value && global != global_args_->end())
    value = global->second;
  if (!value) return;
  variable.arg = std::move(value);
  variable.arg_is_later = true;
}

bool Scope::is_declared(std::string_view name) const {
  auto found = variables_.find(name);
  return found != variables_.end() && found->second.declared;
}

Scope::Variable& Scope::declared_variable(const std::string& name) {
  Variable& variable = variables_[name];
  if (!variable.declared) declared_.push_back(name);
  variable.declared = true;
  return variable;
}

std::optional<std::string> Scope::find(std::string_view name) const {
  auto found = variables_.find(name);
  if (found == variables_.end()) return std::nullopt;
  const Variable& variable = found->second;
  return variable.env && !variable.arg_is_later ? variable.env : variable.arg;
}

dockerfile::VariableLookup Scope::lookup() const {
  return [this](std::string_view name) { return find(name); };
}

std::vector<std::pair<std::string, std::string>> Scope::visible_args() const {
  std::vector<std::pair<std::string, std::string>> visible;
  for (const auto& name : declared_)
    if (auto value = find(name)) visible.emplace_back(name, *std::move(value));
  return visible;
}

std::vector<std::pair<std::string, std::string>> Scope::hidden_args() const {
  std::vector<std::pair<std::string, std::string>> hidden;
  for (const auto& [name, value] : *build_args_) {
    if (is_predefined_arg(name) && !is_declared(name) && !find(name))
      hidden.emplace_back(name, value);
  }
  return hidden;
}

}  // namespace imagebuild::plan
