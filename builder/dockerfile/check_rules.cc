// The rules that follow variables, working directories and commands through the stages. Values of
// base images are not known here (the check needs no network): what cannot be decided without them
// is not reported.
#include "builder/dockerfile/check_rules.h"

#include <deque>
#include <map>
#include <optional>
#include <set>

#include "builder/dockerfile/check_words.h"
#include "builder/dockerfile/expand.h"
#include "builder/dockerfile/text.h"

namespace imagebuild::dockerfile {

namespace {

using Scope = std::map<std::string, std::optional<std::string>>;

/// The platform arguments of the global scope; the stage that is built is not known here.
Scope platform_arguments(const CheckOptions& options) {
  Scope scope{{"TARGETSTAGE", "default"}};
  for (const auto& [prefix, platform] :
       {std::pair{std::string("TARGET"), &options.target_platform},
        std::pair{std::string("BUILD"), &options.build_platform}}) {
    Cut system = cut(*platform, '/');
    Cut machine = cut(system.after, '/');
    scope[prefix + "PLATFORM"] = *platform;
    scope[prefix + "OS"] = std::string(system.before);
    scope[prefix + "OSVERSION"] = "";
    scope[prefix + "ARCH"] = std::string(machine.before);
    scope[prefix + "VARIANT"] = std::string(machine.after);
  }
  return scope;
}

bool is_proxy(const std::string& name) {
  static const std::set<std::string> names{"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY",
                                           "ALL_PROXY"};
  return names.count(upper(name)) != 0;
}

VariableLookup lookup_in(const Scope& scope) {
  return [&scope](std::string_view name) -> std::optional<std::string> {
    auto found = scope.find(std::string(name));
    return found == scope.end() ? std::nullopt : found->second;
  };
}

/// What a mistyped name may have meant; none of very many, which would take too long to compare.
std::vector<std::string> names_of(const Scope& scope) {
  constexpr std::size_t kMaxCompared = 500;
  std::vector<std::string> names;
  if (scope.size() > kMaxCompared) return names;
  for (const auto& [name, value] : scope) names.push_back(name);
  return names;
}

/// "linux/arm/v7" → "linux/arm".
std::string system_and_machine(const std::string& platform) {
  std::size_t slash = platform.find('/');
  return platform.substr(0, slash == std::string::npos ? slash : platform.find('/', slash + 1));
}

/// The instruction's keyword as the file has it: "cmd".
std::string as_spelled(const Instruction& instruction) {
  std::string_view text = trim_left(instruction.text);
  std::size_t end = 0;
  while (end < text.size() && !is_blank(text[end])) ++end;
  return std::string(text.substr(0, end));
}

/// What a stage hands to the stages built on it.
struct StageState {
  Scope scope;
  bool environment_known = false;  ///< nothing comes from a base image we have not seen
  bool workdir_set = false;
  bool shell_set = false;
  std::vector<std::string> triggers;  ///< ONBUILD, for the stages on this one
};

class MeaningChecker {
 public:
  MeaningChecker(const Dockerfile& file, const CheckOptions& options, const Report& report)
      : file_(file), options_(options), report_(report) {}

  void run() {
    global_ = defaults_ = platform_arguments(options_);
    for (auto& [name, value] : global_)
      if (auto given = options_.build_args.find(name); given != options_.build_args.end())
        value = given->second;
    for (const Instruction& instruction : file_.preamble) take_global(*instruction.get_if<Arg>());
    for (const Stage& stage : file_.stages) check_stage(stage);
  }

 private:
  void report(std::string_view rule, std::string message, const Instruction& at) {
    report_(rule, std::move(message), at.lines.first, at.comments);
  }

  void take_global(const Arg& arg) {
    for (const ArgDefinition& definition : arg.definitions) {
      for (Scope* scope : {&global_, &defaults_}) {
        auto given = options_.build_args.find(definition.name);
        if (scope == &global_ && given != options_.build_args.end()) {
          (*scope)[definition.name] = given->second;
        } else if (definition.value) {
          auto value =
              expand(*definition.value, lookup_in(*scope), {.escape = file_.directives.escape});
          (*scope)[definition.name] = value ? *value : std::string();
        } else {
          scope->try_emplace(definition.name, std::nullopt);
        }
      }
    }
  }

  void check_from(const Stage& stage, const std::string& base, const VariableUse& use) {
    const Instruction& at = stage.from_instruction;
    for (const std::string& name : use.unset) {
      if (global_.count(name) != 0) continue;
      report("UndefinedArgInFrom",
             "FROM argument '" + name + "' is not declared" + did_you_mean(name, names_of(global_)),
             at);
    }
    auto with_defaults =
        expand(stage.from.base, lookup_in(defaults_), {.escape = file_.directives.escape});
    if (with_defaults && stages_.count(lower(base)) == 0 && !plausible_reference(*with_defaults)) {
      report("InvalidDefaultArgInFrom",
             "Default value for ARG " + stage.from.base +
                 " results in empty or invalid base image name",
             at);
    }
    check_platform(stage);
  }

  /// The base is an image of another platform than the one that is wanted.
  void check_base_platform(const Stage& stage, const std::string& base) {
    std::string wanted = options_.target_platform;
    if (!stage.from.platform.empty()) {
      auto given =
          expand(stage.from.platform, lookup_in(global_), {.escape = file_.directives.escape});
      if (!given) return;
      wanted = *given;
    }
    auto actual = options_.base_platform(base, wanted);
    if (!actual || system_and_machine(*actual) == system_and_machine(wanted)) return;
    report("InvalidBaseImagePlatform",
           "Base image " + base + " was pulled with platform \"" + *actual + "\", expected \"" +
               wanted + "\" for current build",
           stage.from_instruction);
  }

  void check_platform(const Stage& stage) {
    const std::string& text = stage.from.platform;
    if (text.empty()) return;
    const Instruction& at = stage.from_instruction;
    VariableUse use;
    auto platform = expand(text, lookup_in(global_), {.escape = file_.directives.escape}, &use);
    if (!platform) return;
    for (const std::string& name : use.unset) {
      if (global_.count(name) == 0)
        report(
            "UndefinedArgInFrom",
            "FROM argument '" + name + "' is not declared" + did_you_mean(name, names_of(global_)),
            at);
    }
    if (use.used == std::set<std::string>{"TARGETPLATFORM"} &&
        global_["TARGETPLATFORM"] == *platform) {
      report("RedundantTargetPlatform",
             "Setting platform to predefined " + text +
                 " in FROM is redundant as this is the default behavior",
             at);
    }
    bool constant = use.used.empty() && plausible_platform(*platform);
    if (!constant || names_platform(stage.from.name, *platform)) return;
    report("FromPlatformFlagConstDisallowed",
           "FROM --platform flag should not use constant value \"" + *platform + "\"", at);
  }

  void check_stage(const Stage& stage) {
    VariableUse use;
    auto base =
        expand(stage.from.base, lookup_in(global_), {.escape = file_.directives.escape}, &use);
    std::string base_name = base ? *base : stage.from.base;
    check_from(stage, base_name, use);
    state_ = StageState{};
    std::vector<std::string> triggers;
    if (auto inherited = stages_.find(lower(base_name)); inherited != stages_.end()) {
      state_ = inherited->second;
      triggers = std::move(state_.triggers);
      state_.triggers.clear();
    } else if (base_name == "scratch") {
      state_.environment_known = true;
    } else {
      take_image(stage, base_name);
    }
    state_.scope.try_emplace("PATH",
                             "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    // The base's ONBUILD instructions run here, shown at FROM.
    std::deque<Instruction> run_here;
    for (const std::string& trigger : triggers) {
      auto parsed = parse_trigger(trigger, stage.from_instruction.lines);
      if (!parsed) continue;
      run_here.push_back(*std::move(parsed));
      check_instruction(run_here.back());
    }
    for (const Instruction& instruction : stage.instructions) check_instruction(instruction);
    last_.clear();  // it points into run_here
    if (!stage.from.name.empty()) keep_for_later(stage.from.name);
  }

  /// Thousands of stages, each with the variables of all before it, would fill any memory: from a
  /// bound on, later stages are judged as if they stood on an unknown image.
  void keep_for_later(const std::string& name) {
    constexpr std::size_t kMaxKept = 1'000'000;
    kept_ += state_.scope.size();
    if (kept_ > kMaxKept) {
      state_.scope.clear();
      state_.environment_known = false;
    }
    stages_[name] = state_;
  }

  void take_image(const Stage& stage, const std::string& image) {
    if (options_.base_platform) check_base_platform(stage, image);
    if (!options_.base_environment) return;
    for (const std::string& name : options_.base_environment(image))
      state_.scope[name] = std::string();
    state_.environment_known = true;
  }

  void check_instruction(const Instruction& instruction) {
    VariableUse use;
    auto expanded =
        expand_instruction(instruction, lookup_in(state_.scope), file_.directives.escape, &use);
    check_variables(instruction, use);
    if (!expanded) return;
    if (const Arg* arg = expanded->get_if<Arg>())
      take_arg(*arg, instruction);
    else if (const OnBuild* on_build = instruction.get_if<OnBuild>())
      state_.triggers.push_back(on_build->trigger);
    else if (const Env* env = expanded->get_if<Env>())
      take_env(*env, instruction);
    else if (const Workdir* workdir = expanded->get_if<Workdir>())
      check_workdir(*workdir, use, instruction);
    else if (instruction.get_if<Shell>() != nullptr)
      state_.shell_set = true;
    else if (const Cmd* cmd = instruction.get_if<Cmd>())
      check_command(cmd->command, instruction);
    else if (const Entrypoint* entrypoint = instruction.get_if<Entrypoint>())
      check_command(entrypoint->command, instruction);
    else if (instruction.get_if<Healthcheck>() != nullptr)
      check_once(instruction);
    else if (const Expose* expose = expanded->get_if<Expose>())
      check_ports(*expose, instruction);
    else if (const Copy* copy = expanded->get_if<Copy>(); copy != nullptr && copy->from.empty())
      check_sources(*copy, "Copy", instruction);
    else if (const Add* add = expanded->get_if<Add>())
      check_sources(*add, "Add", instruction);
  }

  void check_variables(const Instruction& instruction, const VariableUse& use) {
    for (const std::string& name : use.unset) {
      if (is_proxy(name) || state_.scope.count(name) != 0) continue;
      // Comparing takes its time, so a hostile file gets no more than this many.
      std::string suggestion;
      if (suggestions_++ < 1'000) suggestion = did_you_mean(name, names_of(state_.scope), "$");
      // An unknown base image may set any variable; then only what looks like a typing error is
      // worth a word.
      if (!state_.environment_known && suggestion.empty()) continue;
      report("UndefinedVar", "Usage of undefined variable '$" + name + "'" + suggestion,
             instruction);
    }
  }

  void take_arg(const Arg& arg, const Instruction& at) {
    for (const ArgDefinition& definition : arg.definitions) {
      if (looks_secret(definition.name)) secret("ARG", definition.name, at);
      auto given = options_.build_args.find(definition.name);
      auto global = global_.find(definition.name);
      std::optional<std::string> value;
      if (given != options_.build_args.end()) {
        value = given->second;
      } else if (definition.value) {
        VariableUse use;
        auto expanded = expand(*definition.value, lookup_in(state_.scope),
                               {.escape = file_.directives.escape}, &use);
        check_variables(at, use);
        if (expanded) value = *expanded;
      } else if (global != global_.end()) {
        value = global->second;
      }
      state_.scope.try_emplace(definition.name, std::nullopt);
      if (value) state_.scope[definition.name] = std::move(value);
    }
  }

  void take_env(const Env& env, const Instruction& at) {
    for (const KeyValue& pair : env.variables) {
      if (looks_secret(pair.key)) secret("ENV", pair.key, at);
      state_.scope[pair.key] = pair.value;
    }
  }

  void secret(const char* instruction, const std::string& name, const Instruction& at) {
    report("SecretsUsedInArgOrEnv",
           std::string("Do not use ARG or ENV instructions for sensitive data (") + instruction +
               " \"" + name + "\")",
           at);
  }

  void check_workdir(const Workdir& workdir, const VariableUse& use, const Instruction& at) {
    bool undecided = !use.unset.empty();
    bool absolute = !workdir.path.empty() && workdir.path[0] == '/';
    if (!state_.workdir_set && !absolute && !undecided) {
      report("WorkdirRelativePath",
             "Relative workdir \"" + workdir.path +
                 "\" can have unexpected results if the base image changes",
             at);
    }
    state_.workdir_set = true;
  }

  void check_command(const CommandLine& command, const Instruction& at) {
    std::string keyword = as_spelled(at);
    if (command.shell_form && !state_.shell_set) {
      report("JSONArgsRecommended",
             "JSON arguments recommended for " + keyword +
                 " to prevent unintended behavior related to OS signals",
             at);
    }
    check_once(at);
  }

  void check_once(const Instruction& at) {
    const Instruction*& last = last_[std::string(at.keyword())];
    // The earlier one is the one without effect.
    if (last != nullptr) {
      report("MultipleInstructionsDisallowed",
             "Multiple " + as_spelled(at) +
                 " instructions should not be used in the same stage because only the last one "
                 "will be used",
             *last);
    }
    last = &at;
  }

  void check_ports(const Expose& expose, const Instruction& at) {
    for (const std::string& port : expose.ports) {
      Cut protocol = cut(port, '/');
      if (protocol.after != lower(protocol.after))
        report("ExposeProtoCasing",
               "Defined protocol '" + port + "' in EXPOSE instruction should be lowercase", at);
      // "host:80", "address:80:80"; nothing in front of a colon is neither.
      std::size_t colon = protocol.before.rfind(':');
      if (colon != std::string_view::npos && colon > 0 && protocol.before.substr(0, colon) != ":") {
        report("ExposeInvalidFormat",
               "EXPOSE instruction should not define an IP address or host-port mapping, found '" +
                   port + "'",
               at);
      }
    }
  }

  void check_sources(const CopySpec& copy, const char* verb, const Instruction& at) {
    if (!options_.ignored) return;
    for (std::string source : copy.sources) {
      bool remote = source.find("://") != std::string::npos || source.rfind("git@", 0) == 0;
      if (remote || source.find_first_of("*?[") != std::string::npos) continue;
      while (source.substr(0, 2) == "./") source.erase(0, 2);
      while (!source.empty() && source.front() == '/') source.erase(0, 1);
      while (!source.empty() && source.back() == '/') source.pop_back();
      if (source.empty() || source == "." || !options_.ignored(source)) continue;
      report("CopyIgnoredFile",
             std::string("Attempting to ") + verb + " file \"" + source +
                 "\" that is excluded by .dockerignore",
             at);
    }
  }

  const Dockerfile& file_;
  const CheckOptions& options_;
  const Report& report_;
  Scope global_, defaults_;
  std::map<std::string, StageState> stages_;  // by name, as far as read
  std::size_t kept_ = 0;                      // variables in them
  int suggestions_ = 0;                       // asked for
  StageState state_;
  std::map<std::string, const Instruction*> last_;
};

}  // namespace

void check_meaning(const Dockerfile& file, const CheckOptions& options, const Report& report) {
  MeaningChecker(file, options, report).run();
}

}  // namespace imagebuild::dockerfile
