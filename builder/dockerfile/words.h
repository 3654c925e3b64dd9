// One logical line taken apart: keyword, flags, and the arguments by the rule of the instruction
// (words, name-value pairs, JSON array, one string). Pure; internal to this module.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "builder/dockerfile/node.h"
#include "common/base/result.h"

namespace imagebuild::dockerfile {

/// Keyword, flags and arguments of one instruction, without heredoc bodies and lines. Errors do not
/// name the place.
Result<Node> parse_line(std::string_view line, char escape);

/// "RUN", "COPY", …: what may start a line.
const std::vector<std::string>& instruction_keywords();

}  // namespace imagebuild::dockerfile
