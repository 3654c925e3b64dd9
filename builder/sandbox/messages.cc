#include "builder/sandbox/messages.h"

namespace imagebuild::sandbox {
namespace {

/// Runs a conversion that may throw nlohmann's type errors and turns them into a value.
template <typename F>
auto converted(const char* what, F convert) -> Result<decltype(convert())> {
  try {
    return convert();
  } catch (const Json::exception& e) {
    return fail(ErrorKind::InvalidInput, std::string("malformed ") + what + ": " + e.what());
  }
}

LowerList lowers_of(const Json& json) {
  LowerList lowers;
  for (const Json& number : json) lowers.push_back({number.get<std::uint32_t>()});
  return lowers;
}

Json optional_json(const std::optional<std::string>& value) {
  return value ? Json(*value) : Json();
}

std::optional<std::string> optional_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return json.get<std::string>();
}

Json mount_json(const RunMount& mount) {
  return {{"kind", static_cast<int>(mount.kind)},
          {"target", mount.target},
          {"readOnly", mount.read_only},
          {"lowers", to_json(mount.lowers)},
          {"source", mount.source},
          {"scratch", mount.scratch.number},
          {"cacheKey", mount.cache_key},
          {"sharing", static_cast<int>(mount.sharing)},
          {"mode", mount.mode},
          {"uid", mount.uid},
          {"gid", mount.gid},
          {"size", mount.size},
          {"attachment", mount.attachment},
          {"variable", mount.variable}};
}

RunMount mount_of(const Json& json) {
  return {.kind = static_cast<RunMount::Kind>(json.at("kind").get<int>()),
          .target = json.at("target").get<std::string>(),
          .read_only = json.at("readOnly").get<bool>(),
          .lowers = lowers_of(json.at("lowers")),
          .source = json.at("source").get<std::string>(),
          .scratch = {json.at("scratch").get<std::uint32_t>()},
          .cache_key = json.at("cacheKey").get<std::string>(),
          .sharing = static_cast<RunMount::Sharing>(json.at("sharing").get<int>()),
          .mode = json.at("mode").get<std::uint32_t>(),
          .uid = json.at("uid").get<std::uint32_t>(),
          .gid = json.at("gid").get<std::uint32_t>(),
          .size = json.at("size").get<std::uint64_t>(),
          .attachment = json.at("attachment").get<std::size_t>(),
          .variable = json.at("variable").get<std::string>()};
}

Json script_json(const std::optional<ScriptFile>& script) {
  if (!script) return {};
  return {{"name", script->name}, {"content", script->content}};
}

std::optional<ScriptFile> script_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return ScriptFile{json.at("name").get<std::string>(), json.at("content").get<std::string>()};
}

}  // namespace

Json to_json(const LowerList& lowers) {
  Json json = Json::array();
  for (const LayerId layer : lowers) json.push_back(layer.number);
  return json;
}

Json to_json(const RunSpec& spec) {
  Json extra_hosts = Json::array();
  for (const HostEntry& entry : spec.extra_hosts) {
    extra_hosts.push_back({{"name", entry.name}, {"address", entry.address}});
  }
  Json mounts = Json::array();
  for (const RunMount& mount : spec.mounts) mounts.push_back(mount_json(mount));
  return {{"lowers", to_json(spec.lowers)},
          {"upper", spec.upper.number},
          {"argv", spec.argv},
          {"env", spec.env},
          {"cwd", spec.cwd},
          {"uid", spec.uid},
          {"gid", spec.gid},
          {"groups", spec.groups},
          {"script", script_json(spec.script)},
          {"mounts", std::move(mounts)},
          {"networkNone", spec.network == Network::None},
          {"hostname", spec.hostname},
          {"extraHosts", std::move(extra_hosts)},
          {"resolvConf", optional_json(spec.resolv_conf)},
          {"hosts", optional_json(spec.hosts)}};
}

Json to_json(const RunResult& result) {
  return {{"exitCode", result.exit_code},
          {"signal", result.signal},
          {"oomKilled", result.oom_killed},
          {"procBound", result.proc == ProcMount::Bound},
          {"message", result.message}};
}

Json to_json(const PathInfo& info) {
  return {{"path", info.path},      {"type", static_cast<int>(info.type)},
          {"mode", info.mode},      {"uid", info.uid},
          {"gid", info.gid},        {"size", info.size},
          {"missing", info.missing}};
}

Result<LowerList> lowers_from_json(const Json& json) {
  return converted("layer list", [&] { return lowers_of(json); });
}

Result<RunSpec> run_spec_from_json(const Json& json) {
  return converted("run request", [&] {
    RunSpec spec;
    spec.lowers = lowers_of(json.at("lowers"));
    spec.upper.number = json.at("upper").get<std::uint32_t>();
    spec.argv = json.at("argv").get<std::vector<std::string>>();
    spec.env = json.at("env").get<std::vector<std::string>>();
    spec.cwd = json.at("cwd").get<std::string>();
    spec.uid = json.at("uid").get<std::uint32_t>();
    spec.gid = json.at("gid").get<std::uint32_t>();
    spec.groups = json.at("groups").get<std::vector<std::uint32_t>>();
    spec.script = script_of(json.at("script"));
    for (const Json& mount : json.at("mounts")) spec.mounts.push_back(mount_of(mount));
    spec.network = json.at("networkNone").get<bool>() ? Network::None : Network::Default;
    spec.hostname = json.at("hostname").get<std::string>();
    for (const Json& entry : json.at("extraHosts")) {
      spec.extra_hosts.push_back(
          {entry.at("name").get<std::string>(), entry.at("address").get<std::string>()});
    }
    spec.resolv_conf = optional_of(json.at("resolvConf"));
    spec.hosts = optional_of(json.at("hosts"));
    return spec;
  });
}

Result<RunResult> run_result_from_json(const Json& json) {
  return converted("run result", [&] {
    RunResult result;
    result.exit_code = json.at("exitCode").get<int>();
    result.signal = json.at("signal").get<int>();
    result.oom_killed = json.at("oomKilled").get<bool>();
    result.proc = json.at("procBound").get<bool>() ? ProcMount::Bound : ProcMount::Fresh;
    result.message = json.at("message").get<std::string>();
    return result;
  });
}

Result<PathInfo> path_info_from_json(const Json& json) {
  return converted("path", [&] {
    PathInfo info;
    info.path = json.at("path").get<std::string>();
    const int type = json.at("type").get<int>();
    info.type = type >= 0 && type <= static_cast<int>(PathType::Other) ? static_cast<PathType>(type)
                                                                       : PathType::Other;
    info.mode = json.at("mode").get<std::uint32_t>();
    info.uid = json.at("uid").get<std::uint32_t>();
    info.gid = json.at("gid").get<std::uint32_t>();
    info.size = json.at("size").get<std::uint64_t>();
    info.missing = json.at("missing").get<std::vector<std::string>>();
    return info;
  });
}

}  // namespace imagebuild::sandbox
