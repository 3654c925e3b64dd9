#include "common/oci/image_config.h"

#include <nlohmann/json.hpp>

#include "common/oci/json_fields.h"

namespace imagebuild::oci {
namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson raw_json(const std::string& text) {
  return OrderedJson::parse(text, nullptr, /*allow_exceptions=*/false);
}

Result<Healthcheck> healthcheck_from_json(const Json& value) {
  if (!value.is_object()) return fail(ErrorKind::InvalidInput, "expected an object");
  Healthcheck check;
  check.test = TRY(find_strings(value, "Test")).value_or(std::vector<std::string>());
  check.interval = TRY(find_int(value, "Interval")).value_or(0);
  check.timeout = TRY(find_int(value, "Timeout")).value_or(0);
  check.start_period = TRY(find_int(value, "StartPeriod")).value_or(0);
  check.start_interval = TRY(find_int(value, "StartInterval")).value_or(0);
  check.retries = TRY(find_int(value, "Retries")).value_or(0);
  return check;
}

OrderedJson healthcheck_to_json(const Healthcheck& check) {
  OrderedJson out = OrderedJson::object();
  if (!check.test.empty()) out["Test"] = check.test;
  if (check.interval != 0) out["Interval"] = check.interval;
  if (check.timeout != 0) out["Timeout"] = check.timeout;
  if (check.start_period != 0) out["StartPeriod"] = check.start_period;
  if (check.start_interval != 0) out["StartInterval"] = check.start_interval;
  if (check.retries != 0) out["Retries"] = check.retries;
  return out;
}

Result<ContainerConfig> container_from_json(const Json& value) {
  if (!value.is_object()) return fail(ErrorKind::InvalidInput, "expected an object");
  ContainerConfig config;
  config.user = TRY(string_or_empty(value, "User"));
  config.exposed_ports = TRY(key_set(value, "ExposedPorts"));
  config.env = TRY(find_strings(value, "Env")).value_or(std::vector<std::string>());
  config.entrypoint = TRY(find_strings(value, "Entrypoint"));
  config.cmd = TRY(find_strings(value, "Cmd"));
  config.volumes = TRY(key_set(value, "Volumes"));
  config.working_dir = TRY(string_or_empty(value, "WorkingDir"));
  config.labels = TRY(string_map(value, "Labels"));
  config.stop_signal = TRY(string_or_empty(value, "StopSignal"));
  if (auto it = value.find("Healthcheck"); it != value.end() && !it->is_null())
    config.healthcheck = TRY_CONTEXT(healthcheck_from_json(*it), "Healthcheck");
  config.on_build = TRY(find_strings(value, "OnBuild")).value_or(std::vector<std::string>());
  config.shell = TRY(find_strings(value, "Shell")).value_or(std::vector<std::string>());
  config.unknown = unknown_members(
      value, {"User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels",
              "StopSignal", "Healthcheck", "OnBuild", "Shell"});
  return config;
}

OrderedJson keys_to_json(const std::set<std::string>& keys) {
  OrderedJson out = OrderedJson::object();
  for (const auto& key : keys) out[key] = OrderedJson::object();
  return out;
}

// Member order as Docker and BuildKit write it.
OrderedJson container_to_json(const ContainerConfig& config) {
  OrderedJson out = OrderedJson::object();
  if (!config.user.empty()) out["User"] = config.user;
  if (!config.exposed_ports.empty()) out["ExposedPorts"] = keys_to_json(config.exposed_ports);
  if (!config.env.empty()) out["Env"] = config.env;
  if (config.entrypoint) out["Entrypoint"] = *config.entrypoint;
  if (config.cmd) out["Cmd"] = *config.cmd;
  if (!config.volumes.empty()) out["Volumes"] = keys_to_json(config.volumes);
  if (!config.working_dir.empty()) out["WorkingDir"] = config.working_dir;
  if (!config.labels.empty()) out["Labels"] = config.labels;
  if (!config.stop_signal.empty()) out["StopSignal"] = config.stop_signal;
  if (config.healthcheck) out["Healthcheck"] = healthcheck_to_json(*config.healthcheck);
  if (!config.on_build.empty()) out["OnBuild"] = config.on_build;
  if (!config.shell.empty()) out["Shell"] = config.shell;
  for (const auto& [name, text] : config.unknown) out[name] = raw_json(text);
  return out;
}

Result<History> history_from_json(const Json& value) {
  if (!value.is_object()) return fail(ErrorKind::InvalidInput, "expected an object");
  History entry;
  entry.created = TRY(string_or_empty(value, "created"));
  entry.created_by = TRY(string_or_empty(value, "created_by"));
  entry.author = TRY(string_or_empty(value, "author"));
  entry.comment = TRY(string_or_empty(value, "comment"));
  entry.empty_layer = TRY(find_bool(value, "empty_layer")).value_or(false);
  return entry;
}

OrderedJson history_to_json(const History& entry) {
  OrderedJson out = OrderedJson::object();
  if (!entry.created.empty()) out["created"] = entry.created;
  if (!entry.created_by.empty()) out["created_by"] = entry.created_by;
  if (!entry.author.empty()) out["author"] = entry.author;
  if (!entry.comment.empty()) out["comment"] = entry.comment;
  if (entry.empty_layer) out["empty_layer"] = true;
  return out;
}

Result<std::vector<DiffId>> diff_ids_from_json(const Json& document) {
  auto it = document.find("rootfs");
  if (it == document.end() || !it->is_object())
    return fail(ErrorKind::InvalidInput, "rootfs: missing");
  std::string type = TRY(string_or_empty(*it, "type"));
  if (type != "layers") return fail(ErrorKind::InvalidInput, "rootfs.type: expected layers");
  std::vector<DiffId> ids;
  auto texts = TRY(find_strings(*it, "diff_ids")).value_or(std::vector<std::string>());
  for (const auto& text : texts) ids.push_back(TRY_CONTEXT(DiffId::parse(text), "rootfs"));
  return ids;
}

Result<ImageConfig> from_json(const Json& document) {
  ImageConfig image;
  image.architecture = TRY(string_or_empty(document, "architecture"));
  image.os = TRY(string_or_empty(document, "os"));
  image.variant = TRY(string_or_empty(document, "variant"));
  image.os_version = TRY(string_or_empty(document, "os.version"));
  image.created = TRY(string_or_empty(document, "created"));
  image.author = TRY(string_or_empty(document, "author"));
  if (auto it = document.find("config"); it != document.end() && !it->is_null())
    image.config = TRY_CONTEXT(container_from_json(*it), "config");
  if (auto it = document.find("history"); it != document.end() && !it->is_null()) {
    if (!it->is_array()) return fail(ErrorKind::InvalidInput, "history: expected a list");
    for (const Json& entry : *it)
      image.history.push_back(TRY_CONTEXT(history_from_json(entry),
                                          "history[" + std::to_string(image.history.size()) + "]"));
  }
  image.diff_ids = TRY(diff_ids_from_json(document));
  image.unknown = unknown_members(document, {"architecture", "os", "variant", "os.version",
                                             "created", "author", "config", "history", "rootfs"});
  return image;
}

}  // namespace

std::optional<std::string> ContainerConfig::find_env(std::string_view name) const {
  for (const auto& entry : env)
    if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name))
      return entry.substr(name.size() + 1);
  return std::nullopt;
}

void ContainerConfig::set_env(std::string_view name, std::string_view value) {
  std::string text = std::string(name) + "=" + std::string(value);
  for (auto& entry : env) {
    if (entry.substr(0, entry.find('=')) != name) continue;
    entry = std::move(text);
    return;
  }
  env.push_back(std::move(text));
}

Result<ImageConfig> ImageConfig::parse(std::string_view text) {
  Json document = TRY(parse_document(text, kMaxConfigBytes, "image config"));
  return from_json(document).context("image config");
}

std::string ImageConfig::serialise() const {
  std::map<std::string, OrderedJson> members;
  for (const auto& [name, text] : unknown) members[name] = raw_json(text);
  members["architecture"] = architecture;
  members["os"] = os;
  if (!variant.empty()) members["variant"] = variant;
  if (!os_version.empty()) members["os.version"] = os_version;
  if (!created.empty()) members["created"] = created;
  if (!author.empty()) members["author"] = author;
  members["config"] = container_to_json(config);
  if (!history.empty()) {
    auto& list = members["history"] = OrderedJson::array();
    for (const auto& entry : history) list.push_back(history_to_json(entry));
  }
  auto ids = OrderedJson::array();
  for (const auto& id : diff_ids) ids.push_back(id.to_string());
  OrderedJson rootfs;
  rootfs["type"] = "layers";
  rootfs["diff_ids"] = std::move(ids);
  members["rootfs"] = std::move(rootfs);

  OrderedJson document = OrderedJson::object();
  for (auto& [name, value] : members) document[name] = std::move(value);
  return document.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace imagebuild::oci
