// A parsed Dockerfile: directives, global ARGs, stages with their instructions, each with its
// lines. parse() is pure and bounded (10 MiB, lines of 1 MiB, 10,000 instructions) and reports the
// first error with file, line, instruction and what was expected. Nothing is expanded and no stage
// is resolved here: that is the plan's.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "builder/dockerfile/instruction.h"
#include "common/base/json.h"
#include "common/base/result.h"

namespace imagebuild::dockerfile {

inline constexpr std::size_t kMaxFileBytes = 10u << 20;
inline constexpr std::size_t kMaxLineBytes = 1u << 20;
inline constexpr std::size_t kMaxInstructions = 10'000;

/// `# name=value` lines at the top.
struct Directives {
  char escape = '\\';
  std::string syntax;  ///< "docker/dockerfile:1", or ""
  std::string check;   ///< "skip=…;error=true", or ""
  int syntax_line = 0, check_line = 0;
};

struct Stage {
  From from;
  Instruction from_instruction;           ///< the FROM itself, with text and lines
  std::vector<Instruction> instructions;  ///< after FROM
  int index = 0;
  /// "build", or "stage-2" for a stage without a name.
  std::string display_name() const;
};

/// Something odd that is no error; a lint rule turns it into a finding.
struct EmptyContinuation {
  int line = 0;
};

struct Dockerfile {
  std::string name;  ///< as shown in messages: "Dockerfile"
  Directives directives;
  std::vector<Instruction> preamble;  ///< ARGs before the first FROM
  std::vector<Stage> stages;          ///< at least one
  std::vector<Node> nodes;            ///< the raw tree, in order
  std::vector<EmptyContinuation> empty_continuations;
};

/// Parses a whole file. InvalidInput: "Dockerfile:7: RUN: …".
Result<Dockerfile> parse(std::string_view text, std::string name);

/// The raw tree only: splits lines, continuations, heredocs, flags and words,
/// without judging the instructions.
struct Syntax {
  Directives directives;
  std::vector<Node> nodes;
  std::vector<EmptyContinuation> empty_continuations;
};
Result<Syntax> parse_syntax(std::string_view text, const std::string& name);

/// One ONBUILD trigger of a base image's config (or of this file) as an instruction, shown at
/// `lines`. ONBUILD, FROM and MAINTAINER cannot be triggers.
Result<Instruction> parse_trigger(std::string_view trigger, LineRange lines);

/// The parsed file for `check --format json`: directives,
/// global arguments and stages with typed instructions.
Json to_json(const Dockerfile& dockerfile);

/// "Dockerfile:7": the place of an instruction in messages.
std::string at(const Dockerfile& dockerfile, const Instruction& instruction);

}  // namespace imagebuild::dockerfile
