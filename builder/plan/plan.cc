#include "builder/plan/plan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "builder/dockerfile/expand.h"

namespace imagebuild::plan {
namespace {

using dockerfile::Dockerfile;
using dockerfile::Stage;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::optional<std::size_t> parse_number(std::string_view text) {
  std::size_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

// The last stage of that name before `limit`: names may repeat, the nearest one counts. The parser
// has made the stages' names lower case.
std::optional<std::size_t> find_stage(const Dockerfile& file, std::string_view name,
                                      std::size_t limit) {
  std::string wanted = lower(name);
  for (std::size_t i = std::min(limit, file.stages.size()); i-- > 0;)
    if (!wanted.empty() && file.stages[i].from.name == wanted) return i;
  return std::nullopt;
}

Error at_from(const Dockerfile& file, const Stage& stage, const std::string& message) {
  return fail(ErrorKind::InvalidInput,
              dockerfile::at(file, stage.from_instruction) + ": FROM: " + message);
}

// TARGETSTAGE: the target as it was asked for, else the last stage's name, else "default".
std::string target_name(const Dockerfile& file, const std::string& target) {
  if (!target.empty()) return target;
  const std::string& last = file.stages.back().from.name;
  return last.empty() ? "default" : last;
}

Result<std::map<std::string, std::string>> evaluate_global_args(const Dockerfile& file,
                                                                const PlanOptions& options,
                                                                const oci::Platform& platform) {
  auto values = platform_args(platform, oci::Platform::host());
  values["TARGETSTAGE"] = target_name(file, options.target);
  for (auto& [name, value] : values)
    if (auto given = options.build_args.find(name); given != options.build_args.end())
      value = given->second;
  for (const auto& instruction : file.preamble) {
    const auto* arg = instruction.get_if<dockerfile::Arg>();
    if (arg == nullptr) continue;
    for (const auto& definition : arg->definitions) {
      auto lookup = [&](std::string_view name) -> std::optional<std::string> {
        auto it = values.find(std::string(name));
        return it == values.end() ? std::nullopt : std::optional(it->second);
      };
      if (auto given = options.build_args.find(definition.name);
          given != options.build_args.end()) {
        values[definition.name] = given->second;
      } else if (definition.value) {
        values[definition.name] = TRY_CONTEXT(
            dockerfile::expand(*definition.value, lookup, {.escape = file.directives.escape}),
            dockerfile::at(file, instruction) + ": ARG " + definition.name);
      }
    }
  }
  return values;
}

Result<std::size_t> find_target(const Dockerfile& file, const std::string& target) {
  if (target.empty()) return file.stages.size() - 1;
  if (auto index = find_stage(file, target, file.stages.size())) return *index;
  if (auto number = parse_number(target); number && *number < file.stages.size()) return *number;
  std::string names;
  for (const auto& stage : file.stages)
    if (!stage.from.name.empty()) names += (names.empty() ? "" : ", ") + stage.from.name;
  return fail(ErrorKind::InvalidInput,
              file.name + ": target stage '" + target + "' does not exist" +
                  (names.empty() ? " (no stage has a name)" : " (stages: " + names + ")"));
}

// What one instruction reads from elsewhere: COPY --from and the `from` of RUN's mounts.
std::vector<std::string> sources_of(const dockerfile::Instruction& instruction) {
  std::vector<std::string> sources;
  if (const auto* copy = instruction.get_if<dockerfile::Copy>();
      copy != nullptr && !copy->from.empty())
    sources.push_back(copy->from);
  if (const auto* run = instruction.get_if<dockerfile::Run>()) {
    for (const auto& mount : run->mounts)
      if (!mount.from.empty() && mount.from != "scratch") sources.push_back(mount.from);
  }
  return sources;
}

class Planner {
 public:
  Planner(const Dockerfile& file, Plan& plan) : file_(file), plan_(plan) {}

  // Depth first, with a stack of its own (a file may hold ten thousand stages, each on the one
  // before): whatever a stage needs comes before it. Stages refer only to earlier ones, so there is
  // no cycle.
  Result<void> add(std::size_t target) {
    std::vector<Visit> stack;
    TRY(enter(target, stack));
    while (!stack.empty()) {
      Visit& visit = stack.back();
      if (visit.next < visit.needs.size()) {
        std::size_t need = visit.needs[visit.next++];
        TRY(enter(need, stack));  // ends the reference
        continue;
      }
      plan_.stages.push_back({visit.index, std::move(visit.base)});
      stack.pop_back();
    }
    return {};
  }

 private:
  struct Visit {
    std::size_t index = 0;
    Base base;
    std::vector<std::size_t> needs;
    std::size_t next = 0;
  };

  Result<void> enter(std::size_t index, std::vector<Visit>& stack) {
    if (!planned_.insert(index).second) return {};
    const Stage& stage = file_.stages[index];
    Visit visit{.index = index, .base = TRY(resolve_base(stage, index)), .needs = {}};
    if (const auto* other = std::get_if<StageRef>(&visit.base)) {
      visit.needs.push_back(other->index);
      TRY(add_triggers(file_.stages[other->index], visit));
    }
    for (const auto& instruction : stage.instructions) TRY(add_needs(instruction, visit));
    stack.push_back(std::move(visit));
    return {};
  }

  Result<void> add_needs(const dockerfile::Instruction& instruction, Visit& visit) {
    for (const auto& source : sources_of(instruction)) {
      auto from = TRY_CONTEXT(
          resolve_from(file_, visit.index, source, plan_.platform),
          dockerfile::at(file_, instruction) + ": " + std::string(instruction.keyword()));
      if (const auto* other = std::get_if<StageRef>(&from)) visit.needs.push_back(other->index);
    }
    return {};
  }

  // The base's ONBUILD instructions run in the stage that stands on it.
  Result<void> add_triggers(const Stage& base, Visit& visit) {
    const auto& from = file_.stages[visit.index].from_instruction;
    for (const auto& instruction : base.instructions) {
      const auto* on_build = instruction.get_if<dockerfile::OnBuild>();
      if (on_build == nullptr) continue;
      auto trigger = TRY_CONTEXT(dockerfile::parse_trigger(on_build->trigger, from.lines),
                                 dockerfile::at(file_, from) + ": FROM");
      TRY(add_needs(trigger, visit));
    }
    return {};
  }

  Result<std::string> expand(const Stage& stage, const std::string& word) {
    auto lookup = [&](std::string_view name) -> std::optional<std::string> {
      auto it = plan_.global_args.find(std::string(name));
      return it == plan_.global_args.end() ? std::nullopt : std::optional(it->second);
    };
    auto expanded = dockerfile::expand(word, lookup, {.escape = file_.directives.escape});
    if (!expanded) return at_from(file_, stage, expanded.error().message);
    return expanded;
  }

  Result<Base> resolve_base(const Stage& stage, std::size_t index) {
    std::string name = TRY(expand(stage, stage.from.base));
    if (name.empty())
      return at_from(file_, stage,
                     "the base '" + stage.from.base +
                         "' is empty after expansion; is the ARG before the first FROM?");
    if (name == "scratch") return Base(Scratch{});
    if (auto other = find_stage(file_, name, index)) return Base(StageRef{*other});
    oci::Platform platform = plan_.platform;
    if (!stage.from.platform.empty()) {
      auto parsed = oci::Platform::parse(TRY(expand(stage, stage.from.platform)));
      if (!parsed) return at_from(file_, stage, "--platform: " + parsed.error().message);
      platform = *parsed;
    }
    auto reference = oci::Reference::parse(name);
    if (!reference) return at_from(file_, stage, reference.error().message);
    return Base(ImageRef{*std::move(reference), platform});
  }

  const Dockerfile& file_;
  Plan& plan_;
  std::set<std::size_t> planned_;
};

}  // namespace

Result<Plan> make_plan(const Dockerfile& file, const PlanOptions& options) {
  Plan plan;
  plan.platform =
      options.platform.os.empty() ? oci::Platform::host() : options.platform.normalised();
  plan.global_args = TRY(evaluate_global_args(file, options, plan.platform));
  Planner planner(file, plan);
  TRY(planner.add(TRY(find_target(file, options.target))));
  return plan;
}

Result<Base> resolve_from(const Dockerfile& file, std::size_t stage_index, std::string_view from,
                          const oci::Platform& platform) {
  if (auto stage = find_stage(file, from, stage_index)) return Base(StageRef{*stage});
  if (auto number = parse_number(from)) {
    if (*number < stage_index) return Base(StageRef{*number});
    if (stage_index == 0)
      return fail(ErrorKind::InvalidInput,
                  "--from=" + std::string(from) + ": there are no stages before this one");
    return fail(ErrorKind::InvalidInput, "--from=" + std::string(from) +
                                             ": stages before this one are numbered 0 to " +
                                             std::to_string(static_cast<long>(stage_index) - 1));
  }
  if (find_stage(file, from, file.stages.size()))
    return fail(ErrorKind::InvalidInput,
                "--from=" + std::string(from) + ": the stage must come before this one");
  if (from == "scratch")
    return fail(ErrorKind::InvalidInput, "--from=scratch: there is nothing in it to copy");
  auto reference = oci::Reference::parse(from);
  if (!reference)
    return fail(ErrorKind::InvalidInput,
                "--from=" + std::string(from) +
                    ": neither a stage nor an image: " + reference.error().message);
  return Base(ImageRef{*std::move(reference), platform});
}

Result<void> check_sources(const Dockerfile& file) {
  for (const auto& stage : file.stages) {
    for (const auto& instruction : stage.instructions)
      for (const auto& source : sources_of(instruction))
        TRY_CONTEXT(resolve_from(file, static_cast<std::size_t>(stage.index), source,
                                 oci::Platform::host()),
                    dockerfile::at(file, instruction) + ": " + std::string(instruction.keyword()));
  }
  return {};
}

std::map<std::string, std::string> platform_args(const oci::Platform& target,
                                                 const oci::Platform& build) {
  return {{"TARGETPLATFORM", target.to_string()},
          {"TARGETOS", target.os},
          {"TARGETARCH", target.architecture},
          {"TARGETVARIANT", target.variant},
          {"BUILDPLATFORM", build.to_string()},
          {"BUILDOS", build.os},
          {"BUILDARCH", build.architecture},
          {"BUILDVARIANT", build.variant},
          {"TARGETOSVERSION", ""},
          {"BUILDOSVERSION", ""}};
}

bool is_predefined_arg(std::string_view name) {
  static constexpr std::array<std::string_view, 10> kNames = {
      "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY",
      "ftp_proxy",  "NO_PROXY",   "no_proxy",    "ALL_PROXY",   "all_proxy"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::vector<std::string> unused_build_args(const Dockerfile& file,
                                           const std::map<std::string, std::string>& build_args) {
  std::set<std::string> declared;
  auto collect = [&](const dockerfile::Instruction& instruction) {
    if (const auto* arg = instruction.get_if<dockerfile::Arg>())
      for (const auto& definition : arg->definitions) declared.insert(definition.name);
  };
  for (const auto& instruction : file.preamble) collect(instruction);
  for (const auto& stage : file.stages)
    for (const auto& instruction : stage.instructions) collect(instruction);
  std::vector<std::string> unused;
  auto platform = platform_args(oci::Platform::host(), oci::Platform::host());
  for (const auto& [name, value] : build_args) {
    bool known = is_predefined_arg(name) || platform.contains(name) || name == "TARGETSTAGE" ||
                 name == "BUILDKIT_DOCKERFILE_CHECK";
    if (!declared.contains(name) && !known) unused.push_back(name);
  }
  return unused;
}

}  // namespace imagebuild::plan
