// The rules' table, the check directive, and the rules about spelling. See check.h.
#include "builder/dockerfile/check.h"

#include <algorithm>
#include <set>

#include "builder/dockerfile/check_rules.h"
#include "builder/dockerfile/flags.h"
#include "builder/dockerfile/frontend_level.h"
#include "builder/dockerfile/text.h"

namespace imagebuild::dockerfile {

namespace {

struct Rule {
  std::string_view name, description;
  bool experimental = false;
};

constexpr Rule kRules[] = {
    {"StageNameCasing", "Stage names are written in lower case"},
    {"FromAsCasing", "AS has the casing of its FROM"},
    {"NoEmptyContinuation", "A continued instruction holds no empty lines"},
    {"ConsistentInstructionCasing", "All instructions have the same casing"},
    {"DuplicateStageName", "Stage names are unique"},
    {"ReservedStageName", "Stages are not named scratch or context"},
    {"JSONArgsRecommended",
     "CMD and ENTRYPOINT use the JSON form, so that signals reach the process"},
    {"MaintainerDeprecated", "LABEL org.opencontainers.image.authors replaces MAINTAINER"},
    {"UndefinedArgInFrom", "FROM uses declared ARGs only"},
    {"WorkdirRelativePath", "The first WORKDIR of a stage is absolute"},
    {"UndefinedVar", "Variables are defined before they are used"},
    {"MultipleInstructionsDisallowed",
     "CMD, ENTRYPOINT and HEALTHCHECK stand once in a stage: the last one counts"},
    {"LegacyKeyValueFormat", "ENV and LABEL use name=value"},
    {"InvalidBaseImagePlatform", "The base image has the platform that is built for"},
    {"RedundantTargetPlatform", "--platform=$TARGETPLATFORM is the default"},
    {"SecretsUsedInArgOrEnv", "ARG and ENV hold no secrets: both stay readable in the image"},
    {"InvalidDefaultArgInFrom", "FROM names an image with the defaults of its ARGs, too"},
    {"FromPlatformFlagConstDisallowed", "FROM --platform is no constant"},
    {"CopyIgnoredFile", "COPY and ADD do not name files that .dockerignore excludes"},
    {"InvalidDefinitionDescription",
     "A comment above ARG or FROM starts with the name it describes", true},
    {"ExposeProtoCasing", "EXPOSE protocols are written in lower case"},
    {"ExposeInvalidFormat", "EXPOSE names container ports, no address and no host port"},
    {"UnsupportedSyntax", "The syntax line asks for no more than this builder has"},
};

const Rule* find_rule(std::string_view name) {
  for (const Rule& rule : kRules) {
    if (rule.name == name) return &rule;
  }
  return nullptr;
}

/// `skip=A,B;error=true;experimental=all`.
struct Switches {
  bool skip_all = false, experimental_all = false, error = false;
  std::set<std::string, std::less<>> skip, experimental;

  bool reports(const Rule& rule) const {
    if (rule.experimental) return experimental_all || experimental.count(rule.name) != 0;
    return !skip_all && skip.count(rule.name) == 0;
  }
};

/// The text up to the first blank: what follows a value is a remark ("skip=all // for now").
std::string_view first_word(std::string_view text) { return cut(trim(text), ' ').before; }

void add_names(std::string_view list, bool& all, std::set<std::string, std::less<>>& names) {
  if (first_word(list) == "all") {
    all = true;
    return;
  }
  while (!list.empty()) {
    Cut item = cut(list, ',');
    names.emplace(first_word(item.before));
    list = item.after;
  }
}

Result<Switches> parse_switches(std::string_view text) {
  Switches switches;
  text = text.substr(0, text.find(" //"));
  for (std::string_view rest = trim(text); !rest.empty();) {
    Cut part = cut(rest, ';');
    Cut pair = cut(part.before, '=');
    std::string key(trim(pair.before));
    if (pair.found && key == "skip") {
      add_names(pair.after, switches.skip_all, switches.skip);
    } else if (pair.found && key == "experimental") {
      add_names(pair.after, switches.experimental_all, switches.experimental);
    } else if (pair.found && key == "error") {
      auto value = parse_bool(first_word(pair.after));
      if (!value)
        return fail(ErrorKind::InvalidInput,
                    "error: expected true or false, found " + in_quotes(trim(pair.after)));
      switches.error = *value;
    } else {
      return fail(ErrorKind::InvalidInput, "expected skip=…, error=… or experimental=…, found " +
                                               in_quotes(trim(part.before)));
    }
    rest = part.after;
  }
  return switches;
}

/// Switches of a `# check=…` comment above one instruction are added to the file's.
Switches with_comments(const Switches& base, const std::vector<std::string>& comments) {
  // Of many thousand comment lines only the nearest count: this runs for every finding.
  constexpr std::size_t kMaxComments = 100;
  Switches merged = base;
  for (std::size_t i = comments.size() - std::min(comments.size(), kMaxComments);
       i < comments.size(); ++i) {
    const std::string& comment = comments[i];
    Cut pair = cut(comment, '=');
    if (!pair.found || lower(trim(pair.before)) != "check") continue;
    auto own = parse_switches(pair.after);
    if (!own) continue;
    merged.skip_all |= own->skip_all;
    merged.experimental_all |= own->experimental_all;
    merged.skip.insert(own->skip.begin(), own->skip.end());
    merged.experimental.insert(own->experimental.begin(), own->experimental.end());
  }
  return merged;
}

/// What stands for the directive: the build argument when it is given.
std::string_view given_or(const CheckOptions& options, const char* name,
                          const std::string& directive) {
  auto given = options.build_args.find(name);
  return given != options.build_args.end() ? given->second : directive;
}

void check_syntax_line(const Dockerfile& file, const CheckOptions& options, const Report& report) {
  auto wanted = given_or(options, "BUILDKIT_SYNTAX", file.directives.syntax);
  if (auto beyond = beyond_our_level(wanted))
    report("UnsupportedSyntax", *beyond, std::max(file.directives.syntax_line, 1), {});
}

void check_from(const Node& node, const Report& report) {
  if (node.args.size() != 3) return;
  const std::string& as = node.args[1];
  const std::string& name = node.args[2];
  if (name != lower(name))
    report("StageNameCasing", "Stage name '" + name + "' should be lowercase", node.lines.first,
           node.comments);
  bool from_lower = node.keyword == lower(node.keyword);
  bool from_upper = node.keyword == upper(node.keyword);
  if ((from_lower && as != lower(as)) || (from_upper && !from_lower && as != upper(as))) {
    report("FromAsCasing", "'" + as + "' and '" + node.keyword + "' keywords' casing do not match",
           node.lines.first, node.comments);
  }
}

void check_casing(const std::vector<Node>& nodes, const Report& report) {
  auto first = std::find_if(nodes.begin(), nodes.end(),
                            [](const Node& node) { return node.command == "from"; });
  int lower_count = 0, upper_count = 0;
  for (auto node = first; node != nodes.end(); ++node) {
    if (node->keyword == lower(node->keyword))
      ++lower_count;
    else if (node->keyword == upper(node->keyword))
      ++upper_count;
  }
  bool lower_wins = lower_count > upper_count;
  for (auto node = first; node != nodes.end(); ++node) {
    if (node->keyword == (lower_wins ? lower(node->keyword) : upper(node->keyword))) continue;
    report("ConsistentInstructionCasing",
           "Command '" + node->keyword + "' should match the case of the command majority (" +
               (lower_wins ? "lowercase" : "uppercase") + ")",
           node->lines.first, node->comments);
  }
}

void check_stage_names(const Dockerfile& file, const Report& report) {
  std::set<std::string> seen;
  for (const Stage& stage : file.stages) {
    const std::string& name = stage.from.name;
    const Instruction& from = stage.from_instruction;
    if (name.empty()) continue;
    if (name == "scratch" || name == "context") {
      report("ReservedStageName",
             "Stage name should not use the same name as reserved stage \"" + name + "\"",
             from.lines.first, from.comments);
    }
    if (!seen.insert(name).second) {
      report("DuplicateStageName",
             "Duplicate stage name \"" + name + "\", stage names should be unique",
             from.lines.first, from.comments);
    }
  }
}

/// The last comment line above ARG or a named FROM starts with the name it describes.
void check_descriptions(const Dockerfile& file, const Report& report) {
  for (const Node& node : file.nodes) {
    if (node.comments.empty()) continue;
    std::vector<std::string> names;
    if (node.command == "arg") {
      for (const std::string& word : node.args) names.emplace_back(cut(word, '=').before);
    } else if (node.command == "from" && node.args.size() == 3) {
      names.push_back(lower(node.args[2]));
    }
    std::string first(cut(node.comments.back(), ' ').before);
    if (names.empty() || std::find(names.begin(), names.end(), first) != names.end()) continue;
    report("InvalidDefinitionDescription",
           "Comment for " + upper(node.command) + " should follow the format: `# " +
               (names.size() > 1 ? "<arg_key>" : names[0]) + " <description>`",
           node.lines.first, node.comments);
  }
}

}  // namespace

void check_spelling(const Dockerfile& file, const Report& report) {
  for (const EmptyContinuation& empty : file.empty_continuations)
    report("NoEmptyContinuation", "Empty continuation line", empty.line, {});
  for (const Node& node : file.nodes) {
    if (node.command == "from") check_from(node, report);
    if (node.command == "maintainer") {
      report("MaintainerDeprecated", "Maintainer instruction is deprecated in favor of using label",
             node.lines.first, node.comments);
    }
    if ((node.command == "env" || node.command == "label") && node.args.size() == 3 &&
        node.args[2].empty()) {
      report("LegacyKeyValueFormat",
             "\"" + node.keyword + " key=value\" should be used instead of legacy \"" +
                 node.keyword + " key value\" format",
             node.lines.first, node.comments);
    }
  }
  check_casing(file.nodes, report);
  check_stage_names(file, report);
  check_descriptions(file, report);
}

std::string to_line(const Dockerfile& dockerfile, const Finding& finding) {
  return dockerfile.name + ":" + std::to_string(finding.line) + ": " + finding.rule + ": " +
         finding.message;
}

Result<CheckResult> check(const Dockerfile& dockerfile, const CheckOptions& options) {
  auto parsed =
      parse_switches(given_or(options, "BUILDKIT_DOCKERFILE_CHECK", dockerfile.directives.check));
  if (!parsed)
    return std::move(parsed).error().context(
        dockerfile.name + ":" + std::to_string(std::max(dockerfile.directives.check_line, 1)) +
        ": directive check");
  Switches switches = std::move(*parsed);
  switches.skip.insert(options.skip.begin(), options.skip.end());
  CheckResult result;
  std::set<std::pair<std::string, int>> seen;
  Report report = [&](std::string_view name, std::string message, int line,
                      const std::vector<std::string>& comments) {
    const Rule* rule = find_rule(name);
    if (rule == nullptr || !with_comments(switches, comments).reports(*rule)) return;
    if (result.findings.size() >= kMaxFindings) {
      ++result.omitted;
      return;
    }
    if (!seen.emplace(std::string(name) + message, line).second) return;
    result.findings.push_back(
        {std::string(name), std::string(rule->description), std::move(message), line});
  };
  check_syntax_line(dockerfile, options, report);
  check_spelling(dockerfile, report);
  check_meaning(dockerfile, options, report);
  std::stable_sort(result.findings.begin(), result.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.line < b.line; });
  result.fail = switches.error && !result.findings.empty();
  return result;
}

}  // namespace imagebuild::dockerfile
