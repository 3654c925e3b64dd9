// The lint rules behind check(): what they report to, and the two groups of them.
// Internal to this module.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "builder/dockerfile/check.h"

namespace imagebuild::dockerfile {

/// Takes a finding of a rule by its name; `comments` may switch the rule off for this instruction.
using Report = std::function<void(std::string_view rule, std::string message, int line,
                                  const std::vector<std::string>& comments)>;

/// Rules about how things are written: casing, stage names, deprecated forms.
void check_spelling(const Dockerfile& file, const Report& report);
/// Rules that follow variables and state through the stages.
void check_meaning(const Dockerfile& file, const CheckOptions& options, const Report& report);

}  // namespace imagebuild::dockerfile
