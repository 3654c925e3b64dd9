// Word expansion: the part of the shell's language that Dockerfile arguments have: $v, ${v},
// ${v:-w}, ${v-w},
// ${v:+w}, ${v+w}, ${v:?w}, ${v?w}, ${v#p}, ${v##p}, ${v%p}, ${v%%p}, ${v/p/r}, ${v//p/r}, quotes
// and escapes, nested. Pure: variables come from the look-up, and what was looked at is reported
// for the cache key and the checks.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "builder/dockerfile/instruction.h"
#include "common/base/result.h"

namespace imagebuild::dockerfile {

/// The value of a variable, or nullopt when it is not set.
using VariableLookup = std::function<std::optional<std::string>(std::string_view name)>;

/// Variables looked at. `unset`: those of them that are not set, with or without a default
/// (rule UndefinedVar).
struct VariableUse {
  std::set<std::string> used;
  std::set<std::string> unset;
};

struct ExpandOptions {
  char escape = '\\';
  bool keep_quotes = false;  ///< quotes are ordinary characters: bodies of heredocs
};

/// Expands one word; quotes are removed. InvalidInput names the position (1-based character) and
/// what is missing.
Result<std::string> expand(std::string_view word, const VariableLookup& lookup,
                           const ExpandOptions& options = {}, VariableUse* use = nullptr);
/// The same, then split at blanks that are neither quoted nor escaped, as EXPOSE does; blanks in
/// values split, too.
Result<std::vector<std::string>> expand_words(std::string_view text, const VariableLookup& lookup,
                                              const ExpandOptions& options = {},
                                              VariableUse* use = nullptr);

/// The instruction with every argument expanded that the reference says is expanded: ADD, COPY,
/// ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR, RUN's mounts and inline files. One
/// instruction sees one set of values (`ENV abc=bye def=$abc` uses the old abc). RUN, CMD,
/// ENTRYPOINT, SHELL, HEALTHCHECK keep their commands; FROM (global scope) and ARG (each definition
/// sees those before it) are the plan's. InvalidInput: names the argument, not the file; also for a
/// STOPSIGNAL that is no signal.
Result<Instruction> expand_instruction(const Instruction& instruction, const VariableLookup& lookup,
                                       char escape, VariableUse* use = nullptr);

}  // namespace imagebuild::dockerfile
