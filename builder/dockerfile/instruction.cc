// What can be said about an instruction without running it: its keyword, and what RUN starts.
#include "builder/dockerfile/instruction.h"

#include "builder/dockerfile/heredoc.h"
#include "builder/dockerfile/text.h"

namespace imagebuild::dockerfile {

std::string Heredoc::text() const {
  if (!chomp) return content;
  std::string out;
  for (std::size_t i = 0; i < content.size();) {
    std::size_t end = content.find('\n', i);
    end = end == std::string::npos ? content.size() : end + 1;
    while (i < end && content[i] == '\t') ++i;
    out.append(content, i, end - i);
    i = end;
  }
  return out;
}

std::string_view Instruction::keyword() const {
  static constexpr std::string_view kKeywords[] = {
      "FROM",   "ARG",     "ENV",        "LABEL",       "RUN",        "COPY",
      "ADD",    "WORKDIR", "USER",       "CMD",         "ENTRYPOINT", "EXPOSE",
      "VOLUME", "SHELL",   "STOPSIGNAL", "HEALTHCHECK", "ONBUILD",    "MAINTAINER"};
  static_assert(std::size(kKeywords) == std::variant_size_v<InstructionValue>);
  return kKeywords[value.index()];
}

RunProgram run_program(const Run& run) {
  if (!run.command.shell_form) return {.kind = RunProgram::Kind::Exec, .argv = run.command.argv};
  std::string command = run.command.argv.empty() ? "" : run.command.argv.front();
  if (run.heredocs.empty()) return {.kind = RunProgram::Kind::Shell, .script = std::move(command)};
  const Heredoc& first = run.heredocs.front();
  if (run.heredocs.size() == 1 && parse_heredoc(command)) {
    std::string script = first.text();
    if (script.substr(0, 2) == "#!")
      return {.kind = RunProgram::Kind::ScriptFile,
              .script = std::move(script),
              .file_name = first.name};
    return {.kind = RunProgram::Kind::Shell, .script = std::move(script)};
  }
  for (const Heredoc& heredoc : run.heredocs) command += "\n" + heredoc.content + heredoc.name;
  return {.kind = RunProgram::Kind::Shell, .script = std::move(command)};
}

}  // namespace imagebuild::dockerfile
