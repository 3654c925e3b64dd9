// The instructions' parsers, one function each, and the table of them. See instruction_parser.h.
#include "builder/dockerfile/instruction_parser.h"

#include <algorithm>
#include <map>

#include "builder/dockerfile/flags.h"
#include "builder/dockerfile/heredoc.h"
#include "builder/dockerfile/run_flags.h"
#include "builder/dockerfile/text.h"
#include "builder/dockerfile/words.h"

namespace imagebuild::dockerfile {

namespace {

constexpr auto kBoolean = FlagSpec::Kind::Boolean;
constexpr auto kRepeated = FlagSpec::Kind::Repeated;

Error invalid(std::string message) { return fail(ErrorKind::InvalidInput, std::move(message)); }

Result<void> no_flags(const Node& node) {
  TRY(Flags::parse(node.flags, {}));
  return {};
}

Result<std::string> one_argument(const Node& node, const char* expected) {
  TRY(no_flags(node));
  if (node.args.size() != 1) return invalid("expected " + std::string(expected));
  return node.args[0];
}

Result<std::vector<std::string>> arguments(const Node& node, const char* expected) {
  TRY(no_flags(node));
  if (node.args.empty()) return invalid("expected " + std::string(expected));
  return node.args;
}

/// Shell form keeps the one string; "" and a missing command both mean none.
CommandLine command_line(const std::vector<std::string>& args, bool json) { return {!json, args}; }

bool valid_stage_name(const std::string& name) {
  return !name.empty() && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                  c == '.';
         });
}

Result<InstructionValue> parse_from(const Node& node) {
  Flags flags = TRY(Flags::parse(node.flags, {{"platform"}}));
  const auto& args = node.args;
  if (args.size() != 1 && args.size() != 3) {
    return invalid("expected an image, or an image and AS name (" + std::to_string(args.size()) +
                   " arguments found)");
  }
  From from{.base = args[0], .platform = flags.text("platform")};
  if (flags.has("platform") && from.platform.empty())
    return invalid("--platform must not be empty");
  if (args.size() == 3) {
    if (lower(args[1]) != "as") return invalid("expected AS, found " + in_quotes(args[1]));
    from.name = lower(args[2]);
    if (!valid_stage_name(from.name)) {
      return invalid("invalid stage name " + in_quotes(args[2]) +
                     " (a letter, then letters, digits, -, _ and .)");
    }
  }
  return InstructionValue(std::move(from));
}

Result<InstructionValue> parse_arg(const Node& node) {
  Arg arg;
  for (const std::string& word : TRY(arguments(node, "a name, or name=value"))) {
    Cut pair = cut(word, '=');
    if (pair.before.empty()) return invalid("the name must not be empty in " + in_quotes(word));
    arg.definitions.push_back({std::string(pair.before),
                               pair.found ? std::optional(std::string(pair.after)) : std::nullopt});
  }
  return InstructionValue(std::move(arg));
}

Result<std::vector<KeyValue>> key_values(const Node& node) {
  std::vector<std::string> args = TRY(arguments(node, "name=value"));
  std::vector<KeyValue> pairs;
  for (std::size_t i = 0; i + 2 < args.size(); i += 3) {
    if (args[i].empty()) return invalid("the name must not be empty in \"=" + args[i + 1] + "\"");
    pairs.push_back({args[i], args[i + 1], args[i + 2].empty()});
  }
  return pairs;
}

Result<InstructionValue> parse_env(const Node& node) {
  return InstructionValue(Env{TRY(key_values(node))});
}
Result<InstructionValue> parse_label(const Node& node) {
  return InstructionValue(Label{TRY(key_values(node))});
}

Result<InstructionValue> parse_run(const Node& node) {
  Flags flags = TRY(Flags::parse(
      node.flags, {{"mount", kRepeated}, {"network"}, {"security"}, {"device", kRepeated}}));
  Run run{.command = command_line(node.args, node.json), .heredocs = node.heredocs};
  for (const std::string& text : flags.all("mount"))
    run.mounts.push_back(TRY(parse_mount(text, {})));
  for (const std::string& text : flags.all("device"))
    run.devices.push_back(TRY(parse_device(text)));
  if (flags.has("network")) {
    static const std::vector<std::string> kNetworks{"default", "none", "host"};
    auto found = std::find(kNetworks.begin(), kNetworks.end(), flags.text("network"));
    if (found == kNetworks.end()) {
      return invalid("--network: expected default, none or host, found " +
                     in_quotes(flags.text("network")) +
                     did_you_mean(flags.text("network"), kNetworks));
    }
    run.network = static_cast<Run::Network>(found - kNetworks.begin());
  }
  if (flags.has("security")) {
    static const std::vector<std::string> kSecurities{"sandbox", "insecure"};
    auto found = std::find(kSecurities.begin(), kSecurities.end(), flags.text("security"));
    if (found == kSecurities.end()) {
      return invalid("--security: expected sandbox or insecure, found " +
                     in_quotes(flags.text("security")) +
                     did_you_mean(flags.text("security"), kSecurities));
    }
    run.security = static_cast<Run::Security>(found - kSecurities.begin());
    if (run.security == Run::Security::Insecure)
      return invalid(
          "--security=insecure is refused: no build gets more rights than its own sandbox");
  }
  if (node.args.empty()) return invalid("expected a command");
  return InstructionValue(std::move(run));
}

/// Sources, inline files and the destination of COPY and ADD.
Result<void> fill_paths(const Node& node, const Flags& flags, CopySpec& spec) {
  if (node.args.size() < 2) {
    return invalid(node.args.empty()
                       ? "expected one or more sources and a destination"
                       : "expected a destination after the source " + in_quotes(node.args[0]));
  }
  spec.chown = flags.text("chown");
  spec.chmod = flags.text("chmod");
  spec.excludes = flags.all("exclude");
  spec.link = flags.boolean("link").value_or(false);
  spec.parents = flags.boolean("parents").value_or(false);
  spec.destination = node.args.back();
  if (!node.json && parse_heredoc(spec.destination))
    return invalid("the destination cannot be a heredoc");
  for (std::size_t i = 0; i + 1 < node.args.size(); ++i) {
    auto announced = node.json ? std::nullopt : parse_heredoc(node.args[i]);
    if (!announced) {
      spec.sources.push_back(node.args[i]);
      continue;
    }
    auto body = std::find_if(node.heredocs.rbegin(), node.heredocs.rend(),
                             [&](const Heredoc& h) { return h.name == announced->name; });
    if (body == node.heredocs.rend())
      return invalid("heredoc <<" + announced->name + " has no body");
    spec.files.push_back({announced->name, *body});
  }
  return {};
}

Result<InstructionValue> parse_copy(const Node& node) {
  Flags flags = TRY(Flags::parse(node.flags, {{"from"},
                                              {"chown"},
                                              {"chmod"},
                                              {"link", kBoolean},
                                              {"parents", kBoolean},
                                              {"exclude", kRepeated}}));
  Copy copy;
  TRY(fill_paths(node, flags, copy));
  copy.from = flags.text("from");
  if (flags.has("from") && copy.from.empty()) return invalid("--from must not be empty");
  // Stages are a graph that is known before any variable is.
  if (copy.from.find('$') != std::string::npos)
    return invalid(
        "--from cannot hold variables (give the image a stage of its own: FROM … AS name)");
  return InstructionValue(std::move(copy));
}

Result<InstructionValue> parse_add(const Node& node) {
  Flags flags = TRY(Flags::parse(node.flags, {{"chown"},
                                              {"chmod"},
                                              {"link", kBoolean},
                                              {"keep-git-dir", kBoolean},
                                              {"checksum"},
                                              {"unpack", kBoolean},
                                              {"exclude", kRepeated}}));
  Add add;
  TRY(fill_paths(node, flags, add));
  add.checksum = flags.text("checksum");
  add.unpack = flags.boolean("unpack");
  add.keep_git_dir = flags.boolean("keep-git-dir");
  return InstructionValue(std::move(add));
}

Result<InstructionValue> parse_workdir(const Node& node) {
  return InstructionValue(Workdir{TRY(one_argument(node, "a directory"))});
}
Result<InstructionValue> parse_user(const Node& node) {
  return InstructionValue(User{TRY(one_argument(node, "user or user:group"))});
}
Result<InstructionValue> parse_stop_signal(const Node& node) {
  return InstructionValue(StopSignal{TRY(one_argument(node, "a signal (SIGTERM, 15)"))});
}
Result<InstructionValue> parse_maintainer(const Node& node) {
  return InstructionValue(Maintainer{TRY(one_argument(node, "a name"))});
}

Result<InstructionValue> parse_cmd(const Node& node) {
  TRY(no_flags(node));
  return InstructionValue(Cmd{command_line(node.args, node.json)});
}

Result<InstructionValue> parse_entrypoint(const Node& node) {
  TRY(no_flags(node));
  return InstructionValue(Entrypoint{command_line(node.args, node.json)});
}

Result<InstructionValue> parse_expose(const Node& node) {
  return InstructionValue(
      Expose{TRY(arguments(node, "one or more ports (80, 53/udp, 8000-8010)"))});
}

Result<InstructionValue> parse_volume(const Node& node) {
  Volume volume;
  for (const std::string& path : TRY(arguments(node, "one or more directories"))) {
    if (trim(path).empty()) return invalid("a volume's path must not be empty");
    volume.paths.emplace_back(trim(path));
  }
  return InstructionValue(std::move(volume));
}

Result<InstructionValue> parse_shell(const Node& node) {
  std::vector<std::string> argv = TRY(arguments(node, "a JSON array ([\"/bin/sh\", \"-c\"])"));
  if (!node.json)
    return invalid("expected a JSON array ([\"/bin/sh\", \"-c\"]), found " + in_quotes(argv[0]));
  return InstructionValue(Shell{std::move(argv)});
}

Result<std::chrono::nanoseconds> interval(const Flags& flags, const std::string& name) {
  std::string text = flags.text(name);
  if (text.empty()) return std::chrono::nanoseconds(0);
  auto nanoseconds = parse_nanoseconds(text);
  if (!nanoseconds)
    return invalid("--" + name + ": expected a duration (30s, 1m30s), found " + in_quotes(text));
  if (*nanoseconds != 0 && *nanoseconds < 1'000'000)
    return invalid("--" + name + ": must be 0 or at least 1ms, found " + text);
  return std::chrono::nanoseconds(*nanoseconds);
}

Result<InstructionValue> parse_healthcheck(const Node& node) {
  if (node.args.empty()) return invalid("expected CMD command, or NONE");
  std::string type = upper(node.args[0]);
  std::vector<std::string> command(node.args.begin() + 1, node.args.end());
  Healthcheck check;
  Flags flags = TRY(Flags::parse(
      node.flags, {{"interval"}, {"timeout"}, {"start-period"}, {"start-interval"}, {"retries"}}));
  if (type == "NONE") {
    if (!command.empty()) return invalid("NONE takes no arguments");
    check.none = true;
    return InstructionValue(check);
  }
  if (type != "CMD") return invalid("expected CMD or NONE, found " + in_quotes(node.args[0]));
  if (command.empty()) return invalid("expected a command after CMD");
  check.test = command_line(command, node.json);
  check.interval = TRY(interval(flags, "interval"));
  check.timeout = TRY(interval(flags, "timeout"));
  check.start_period = TRY(interval(flags, "start-period"));
  check.start_interval = TRY(interval(flags, "start-interval"));
  if (std::string retries = flags.text("retries"); !retries.empty()) {
    auto number = parse_u32(retries, 10);
    if (!number || *number > 0x7fffffff)
      return invalid("--retries: expected a number, not negative, found " + in_quotes(retries));
    check.retries = static_cast<int>(*number);
  }
  return InstructionValue(std::move(check));
}

Result<InstructionValue> parse_on_build(const Node& node) {
  TRY(no_flags(node));
  if (node.children.empty()) return invalid("expected an instruction");
  const Node& trigger = node.children.front();
  if (trigger.command == "onbuild" || trigger.command == "from" ||
      trigger.command == "maintainer") {
    return invalid(upper(trigger.keyword) + " cannot be a trigger");
  }
  // Judged now, not when another build uses the image.
  Node whole = trigger;
  whole.heredocs = node.heredocs;
  TRY(parse_instruction(whole));
  std::string text(trim(trigger.text));
  for (const Heredoc& heredoc : node.heredocs) text += "\n" + heredoc.content + heredoc.name;
  return InstructionValue(OnBuild{std::move(text)});
}

using Parser = Result<InstructionValue> (*)(const Node&);

const std::map<std::string, Parser, std::less<>>& parsers() {
  static const std::map<std::string, Parser, std::less<>> table = {
      {"add", parse_add},
      {"arg", parse_arg},
      {"cmd", parse_cmd},
      {"copy", parse_copy},
      {"entrypoint", parse_entrypoint},
      {"env", parse_env},
      {"expose", parse_expose},
      {"from", parse_from},
      {"healthcheck", parse_healthcheck},
      {"label", parse_label},
      {"maintainer", parse_maintainer},
      {"onbuild", parse_on_build},
      {"run", parse_run},
      {"shell", parse_shell},
      {"stopsignal", parse_stop_signal},
      {"user", parse_user},
      {"volume", parse_volume},
      {"workdir", parse_workdir},
  };
  return table;
}

}  // namespace

Result<Instruction> parse_instruction(const Node& node) {
  auto parser = parsers().find(node.command);
  if (parser == parsers().end()) {
    return invalid("unknown instruction " + in_quotes(node.keyword) +
                   did_you_mean(upper(node.keyword), instruction_keywords()));
  }
  InstructionValue value = TRY_CONTEXT(parser->second(node), upper(node.keyword));
  return Instruction{std::move(value), node.text, node.comments, node.lines};
}

}  // namespace imagebuild::dockerfile
