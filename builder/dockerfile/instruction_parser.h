// One raw node → one typed instruction, judged: flags, number of arguments, values.
// Internal to this module.
#pragma once

#include "builder/dockerfile/instruction.h"
#include "common/base/result.h"

namespace imagebuild::dockerfile {

/// InvalidInput "RUN: unknown flag --mont (did you mean --mount?)…";
/// the place is added by the caller.
Result<Instruction> parse_instruction(const Node& node);

}  // namespace imagebuild::dockerfile
