// A whole Dockerfile: parsed, dumped, checked, planned, and its instructions expanded.
#include <nlohmann/json.hpp>

#include "builder/dockerfile/check.h"
#include "builder/dockerfile/dockerfile.h"
#include "builder/dockerfile/expand.h"
#include "builder/dockerfile/unsupported.h"
#include "builder/plan/plan.h"
#include "builder/plan/scope.h"
#include "tests/fuzz/fuzz_target.h"

using namespace imagebuild;
using namespace imagebuild::fuzz;

namespace {

void judge(const Error& error) {
  promise(error.kind == ErrorKind::InvalidInput, "a bad Dockerfile is bad input");
  promise(error.message.rfind("Dockerfile:", 0) == 0, "an error starts with the file");
  promise(error.message.find('\n') == std::string::npos, "an error is one line");
}

void walk(const dockerfile::Dockerfile& file, const std::map<std::string, std::string>& globals) {
  const std::map<std::string, std::string> none;
  for (const auto& stage : file.stages) {
    plan::Scope scope(globals, none);
    int last = stage.from_instruction.lines.first;
    for (const auto& instruction : stage.instructions) {
      promise(instruction.lines.first > last, "instructions stand below each other");
      promise(instruction.lines.last >= instruction.lines.first, "lines are in order");
      last = instruction.lines.last;
      auto expanded =
          dockerfile::expand_instruction(instruction, scope.lookup(), file.directives.escape);
      if (!expanded) continue;
      if (const auto* arg = expanded->get_if<dockerfile::Arg>())
        (void)scope.declare(*arg, file.directives.escape);
      if (const auto* env = expanded->get_if<dockerfile::Env>())
        for (const auto& pair : env->variables) scope.set_env(pair.key, pair.value);
      if (const auto* run = expanded->get_if<dockerfile::Run>())
        (void)dockerfile::run_program(*run);
      if (const auto* on_build = expanded->get_if<dockerfile::OnBuild>())
        promise(dockerfile::parse_trigger(on_build->trigger, instruction.lines).ok() ||
                    file.directives.escape != '\\',
                "a trigger that was accepted parses again");
    }
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto file = dockerfile::parse(text_of(data, size), "Dockerfile");
  if (!file) {
    judge(file.error());
    return 0;
  }
  promise(!file->stages.empty(), "a parsed file has a stage");
  (void)dump_json(dockerfile::to_json(*file));
  (void)dockerfile::check_supported(*file);
  if (auto result = dockerfile::check(*file); result) {
    int line = 0;
    for (const auto& finding : result->findings) {
      promise(finding.line >= line, "findings come in the order of lines");
      line = finding.line;
    }
  } else {
    judge(result.error());
  }
  auto plan = plan::make_plan(*file, {});
  if (!plan) judge(plan.error());
  walk(*file, plan ? plan->global_args : std::map<std::string, std::string>{});
  return 0;
}
