// The parsed file as JSON, for `check --format json`. The shape is stable: other programs read it.
#include <nlohmann/json.hpp>

#include "builder/dockerfile/dockerfile.h"

namespace imagebuild::dockerfile {

namespace {

Json heredocs_json(const std::vector<Heredoc>& heredocs) {
  Json list = Json::array();
  for (const Heredoc& heredoc : heredocs) {
    list.push_back({{"name", heredoc.name},
                    {"content", heredoc.text()},
                    {"expand", heredoc.expand},
                    {"fd", heredoc.fd}});
  }
  return list;
}

void put_text(Json& json, const char* name, const std::string& value) {
  if (!value.empty()) json[name] = value;
}

void put_command(Json& json, const CommandLine& command) {
  json["form"] = command.shell_form ? "shell" : "exec";
  json["command"] = command.argv;
}

Json pairs_json(const std::vector<KeyValue>& pairs) {
  Json list = Json::array();
  for (const KeyValue& pair : pairs) list.push_back({{"name", pair.key}, {"value", pair.value}});
  return list;
}

Json mount_json(const Mount& mount) {
  static constexpr const char* kTypes[] = {"bind", "cache", "tmpfs", "secret", "ssh"};
  static constexpr const char* kSharings[] = {"shared", "private", "locked"};
  Json json{{"type", kTypes[static_cast<int>(mount.type)]},
            {"readOnly", mount.read_only},
            {"text", mount.text}};
  put_text(json, "target", mount.target);
  put_text(json, "source", mount.source);
  put_text(json, "from", mount.from);
  put_text(json, "id", mount.id);
  put_text(json, "env", mount.env);
  if (mount.required) json["required"] = true;
  if (mount.type == Mount::Type::Cache)
    json["sharing"] = kSharings[static_cast<int>(mount.sharing)];
  if (mount.mode) json["mode"] = *mount.mode;
  if (mount.uid) json["uid"] = *mount.uid;
  if (mount.gid) json["gid"] = *mount.gid;
  if (mount.size != 0) json["size"] = mount.size;
  return json;
}

void put_copy(Json& json, const CopySpec& copy) {
  json["sources"] = copy.sources;
  json["destination"] = copy.destination;
  if (!copy.files.empty()) {
    Json files = Json::array();
    for (const InlineFile& file : copy.files)
      files.push_back(
          {{"name", file.name}, {"content", file.body.text()}, {"expand", file.body.expand}});
    json["files"] = std::move(files);
  }
  put_text(json, "chown", copy.chown);
  put_text(json, "chmod", copy.chmod);
  if (copy.link) json["link"] = true;
  if (copy.parents) json["parents"] = true;
  if (!copy.excludes.empty()) json["exclude"] = copy.excludes;
}

/// Adds an instruction's own fields.
struct Fields {
  Json& json;

  void operator()(const From& from) const {
    json["base"] = from.base;
    put_text(json, "name", from.name);
    put_text(json, "platform", from.platform);
  }
  void operator()(const Arg& arg) const {
    json["arguments"] = Json::array();
    for (const ArgDefinition& definition : arg.definitions) {
      Json entry{{"name", definition.name}};
      if (definition.value) entry["value"] = *definition.value;
      json["arguments"].push_back(std::move(entry));
    }
  }
  void operator()(const Env& env) const { json["variables"] = pairs_json(env.variables); }
  void operator()(const Label& label) const { json["labels"] = pairs_json(label.labels); }
  void operator()(const Run& run) const {
    static constexpr const char* kNetworks[] = {"default", "none", "host"};
    static constexpr const char* kSecurities[] = {"sandbox", "insecure"};
    put_command(json, run.command);
    if (!run.heredocs.empty()) json["heredocs"] = heredocs_json(run.heredocs);
    for (const Mount& mount : run.mounts) json["mounts"].push_back(mount_json(mount));
    for (const Device& device : run.devices)
      json["devices"].push_back({{"name", device.name}, {"required", device.required}});
    if (run.network) json["network"] = kNetworks[static_cast<int>(*run.network)];
    if (run.security) json["security"] = kSecurities[static_cast<int>(*run.security)];
  }
  void operator()(const Copy& copy) const {
    put_copy(json, copy);
    put_text(json, "from", copy.from);
  }
  void operator()(const Add& add) const {
    put_copy(json, add);
    put_text(json, "checksum", add.checksum);
    if (add.unpack) json["unpack"] = *add.unpack;
    if (add.keep_git_dir) json["keepGitDir"] = *add.keep_git_dir;
  }
  void operator()(const Workdir& workdir) const { json["path"] = workdir.path; }
  void operator()(const User& user) const { json["user"] = user.user; }
  void operator()(const Cmd& cmd) const { put_command(json, cmd.command); }
  void operator()(const Entrypoint& entrypoint) const { put_command(json, entrypoint.command); }
  void operator()(const Expose& expose) const { json["ports"] = expose.ports; }
  void operator()(const Volume& volume) const { json["paths"] = volume.paths; }
  void operator()(const Shell& shell) const { json["shell"] = shell.argv; }
  void operator()(const StopSignal& signal) const { json["signal"] = signal.signal; }
  void operator()(const Healthcheck& check) const {
    json["none"] = check.none;
    if (check.none) return;
    put_command(json, check.test);
    json["intervalNanoseconds"] = check.interval.count();
    json["timeoutNanoseconds"] = check.timeout.count();
    json["startPeriodNanoseconds"] = check.start_period.count();
    json["startIntervalNanoseconds"] = check.start_interval.count();
    json["retries"] = check.retries;
  }
  void operator()(const OnBuild& on_build) const { json["trigger"] = on_build.trigger; }
  void operator()(const Maintainer& maintainer) const { json["maintainer"] = maintainer.name; }
};

Json instruction_json(const Instruction& instruction) {
  Json json{{"instruction", instruction.keyword()},
            {"line", instruction.lines.first},
            {"endLine", instruction.lines.last},
            {"text", instruction.text}};
  std::visit(Fields{json}, instruction.value);
  return json;
}

Json instructions_json(const std::vector<Instruction>& instructions) {
  Json list = Json::array();
  for (const Instruction& instruction : instructions) list.push_back(instruction_json(instruction));
  return list;
}

}  // namespace

Json to_json(const Dockerfile& dockerfile) {
  Json directives{{"escape", std::string(1, dockerfile.directives.escape)}};
  put_text(directives, "syntax", dockerfile.directives.syntax);
  put_text(directives, "check", dockerfile.directives.check);
  Json stages = Json::array();
  for (const Stage& stage : dockerfile.stages) {
    Json json{{"index", stage.index},
              {"base", stage.from.base},
              {"line", stage.from_instruction.lines.first},
              {"instructions", instructions_json(stage.instructions)}};
    put_text(json, "name", stage.from.name);
    put_text(json, "platform", stage.from.platform);
    stages.push_back(std::move(json));
  }
  return {{"file", dockerfile.name},
          {"directives", std::move(directives)},
          {"globalArguments", instructions_json(dockerfile.preamble)},
          {"stages", std::move(stages)}};
}

}  // namespace imagebuild::dockerfile
