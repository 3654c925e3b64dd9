// The list: one row a feature, the first that applies is named. See unsupported.h.
#include "builder/dockerfile/unsupported.h"

#include <algorithm>

namespace imagebuild::dockerfile {

namespace {

struct Feature {
  const char* name;
  bool (*used)(const Instruction&);
};

bool any_run(const Instruction& instruction, bool (*used)(const Run&)) {
  const Run* run = instruction.get_if<Run>();
  return run != nullptr && used(*run);
}

constexpr Feature kUnsupported[] = {
    {"RUN --device (no device of the machine reaches a build)",
     [](const Instruction& i) {
       return any_run(i, [](const Run& run) { return !run.devices.empty(); });
     }},
};

}  // namespace

std::optional<std::string> unsupported_feature(const Instruction& instruction) {
  for (const Feature& feature : kUnsupported) {
    if (feature.used(instruction)) return feature.name;
  }
  // A trigger is judged as what it will run.
  if (const OnBuild* on_build = instruction.get_if<OnBuild>()) {
    auto trigger = parse_trigger(on_build->trigger, instruction.lines);
    if (trigger) return unsupported_feature(*trigger);
  }
  return std::nullopt;
}

Result<void> check_supported(const Dockerfile& dockerfile) {
  for (const Stage& stage : dockerfile.stages) {
    for (const Instruction& instruction : stage.instructions) {
      auto feature = unsupported_feature(instruction);
      if (feature)
        return fail(ErrorKind::InvalidInput,
                    at(dockerfile, instruction) + ": " + *feature + " is not supported yet");
    }
  }
  return {};
}

}  // namespace imagebuild::dockerfile
