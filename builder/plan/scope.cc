#include "builder/plan/scope.h"

#include "builder/plan/plan.h"

namespace imagebuild::plan {

void Scope::declare_arg(const std::string& name, const std::optional<std::string>& default_value) {
  if (auto given = build_args_->find(name); given != build_args_->end()) {
    args_[name] = given->second;
  } else if (default_value) {
    args_[name] = default_value;
  } else if (auto global = global_args_->find(name); global != global_args_->end()) {
    args_[name] = global->second;
  } else if (!args_.contains(name)) {
    args_[name] = std::nullopt;
  }
}

std::optional<std::string> Scope::find(std::string_view name) const {
  std::string key(name);
  if (auto it = env_.find(key); it != env_.end()) return it->second;
  if (auto it = args_.find(key); it != args_.end()) return it->second;
  return std::nullopt;
}

dockerfile::VariableLookup Scope::lookup() const {
  return [this](std::string_view name) { return find(name); };
}

std::vector<std::pair<std::string, std::string>> Scope::visible_args() const {
  std::vector<std::pair<std::string, std::string>> visible;
  for (const auto& [name, value] : args_)
    if (value && !env_.contains(name)) visible.emplace_back(name, *value);
  return visible;
}

std::vector<std::pair<std::string, std::string>> Scope::hidden_args() const {
  std::vector<std::pair<std::string, std::string>> hidden;
  for (const auto& [name, value] : *build_args_)
    if (is_predefined_arg(name) && !args_.contains(name) && !env_.contains(name))
      hidden.emplace_back(name, value);
  return hidden;
}

}  // namespace imagebuild::plan
