// Typed parsing of a whole file: raw tree → instructions → stages. See dockerfile.h.
#include "builder/dockerfile/dockerfile.h"
#include "builder/dockerfile/instruction_parser.h"
#include "builder/dockerfile/text.h"

namespace imagebuild::dockerfile {

std::string Stage::display_name() const {
  return from.name.empty() ? "stage-" + std::to_string(index) : from.name;
}

std::string at(const Dockerfile& dockerfile, const Instruction& instruction) {
  return dockerfile.name + ":" + std::to_string(instruction.lines.first);
}

Result<Dockerfile> parse(std::string_view text, std::string name) {
  Syntax syntax = TRY(parse_syntax(text, name));
  Dockerfile file;
  file.name = std::move(name);
  file.directives = std::move(syntax.directives);
  file.empty_continuations = std::move(syntax.empty_continuations);
  file.nodes = std::move(syntax.nodes);
  for (const Node& node : file.nodes) {
    const std::string place = file.name + ":" + std::to_string(node.lines.first);
    Instruction instruction = TRY_CONTEXT(parse_instruction(node), place);
    if (const From* from = instruction.get_if<From>()) {
      Stage stage{.from = *from,
                  .from_instruction = instruction,
                  .instructions = {},
                  .index = static_cast<int>(file.stages.size())};
      file.stages.push_back(std::move(stage));
    } else if (!file.stages.empty()) {
      file.stages.back().instructions.push_back(std::move(instruction));
    } else if (instruction.get_if<Arg>() != nullptr) {
      file.preamble.push_back(std::move(instruction));
    } else {
      return fail(ErrorKind::InvalidInput,
                  place + ": " + std::string(instruction.keyword()) +
                      ": expected FROM first (only ARG may stand before it)");
    }
  }
  if (file.stages.empty()) {
    return fail(
        ErrorKind::InvalidInput,
        file.name + ":" + std::to_string(file.nodes.back().lines.last) + ": the file has no FROM");
  }
  return file;
}

Result<Instruction> parse_trigger(std::string_view trigger, LineRange lines) {
  auto parsed = parse_syntax(trigger, "ONBUILD");
  if (!parsed) return std::move(parsed).error();
  if (parsed->nodes.size() != 1)
    return fail(ErrorKind::InvalidInput,
                "ONBUILD trigger " + in_quotes(trigger) + ": expected one instruction");
  Node& node = parsed->nodes.front();
  if (node.command == "onbuild" || node.command == "from" || node.command == "maintainer") {
    return fail(ErrorKind::InvalidInput, "ONBUILD trigger " + in_quotes(trigger) + ": " +
                                             upper(node.keyword) + " cannot be a trigger");
  }
  node.lines = lines;
  return parse_instruction(node).context("ONBUILD");
}

}  // namespace imagebuild::dockerfile
