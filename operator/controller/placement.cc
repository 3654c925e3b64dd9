#include "operator/controller/placement.h"

#include <algorithm>
#include <regex>

#include "common/api/field_reader.h"

namespace imagebuild::controller {
namespace {

// Kubernetes' label syntax: names of 63 bytes, keys with a DNS prefix of 253 before a slash.
bool is_label_key(const std::string& key) {
  static const std::regex kKey(
      "([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?");
  return key.size() <= 317 && std::regex_match(key, kKey);
}
bool is_label_value(const std::string& value) {
  static const std::regex kValue("([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?");
  return value.size() <= 63 && std::regex_match(value, kValue);
}

void check_toleration(const Json& toleration, const std::string& path, api::FieldErrors& errors) {
  api::FieldReader reader(toleration, path, errors);
  const std::string key = reader.text("key"), value = reader.text("value");
  const bool exists = reader.choice("operator", {"Equal", "Exists"}) == 1;
  const auto seconds = reader.integer("tolerationSeconds", INT64_MIN, INT64_MAX);
  const bool evicts = reader.choice("effect", {"NoSchedule", "PreferNoSchedule", "NoExecute"}) == 2;
  reader.finish();
  if (!key.empty() && !is_label_key(key))
    reader.fail("key", "\"" + key + "\" is not a label's key");
  if (key.empty() && !exists) reader.fail("operator", "must be Exists where there is no key");
  if (exists && !value.empty()) reader.fail("value", "must be empty where the operator is Exists");
  if (!is_label_value(value)) reader.fail("value", "\"" + value + "\" is not a label's value");
  if (seconds && !evicts) reader.fail("effect", "must be NoExecute for tolerationSeconds");
}

}  // namespace

Result<std::map<std::string, std::string>> parse_node_selector(
    const std::vector<std::string>& labels) {
  std::map<std::string, std::string> result;
  for (const std::string& label : labels) {
    const std::size_t equals = label.find('=');
    const std::string key = label.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : label.substr(equals + 1);
    if (equals == std::string::npos || !is_label_key(key) || !is_label_value(value))
      return fail(ErrorKind::InvalidInput, "not a label (KEY=VALUE): '" + label + "'");
    if (!result.emplace(key, value).second && result[key] != value)
      return fail(ErrorKind::InvalidInput,
                  "no node has two values of the label '" + key + "', which is given twice");
  }
  return result;
}

Result<Json> parse_tolerations(std::string_view json) {
  Json list = TRY(parse_json(json));
  if (!list.is_array())
    return fail(ErrorKind::InvalidInput,
                "expected a list of tolerations, such as [{\"key\": \"builds\", \"operator\": "
                "\"Exists\"}]");
  api::FieldErrors errors;
  for (std::size_t i = 0; i < list.size(); ++i)
    check_toleration(list[i], "[" + std::to_string(i) + "]", errors);
  if (errors.first) return *errors.first;
  return list;
}

void place(Json& pod_spec, const Placement& common, const api::Pod& own) {
  auto labels = own.node_selector;
  labels.insert(common.node_selector.begin(), common.node_selector.end());
  if (!labels.empty()) pod_spec["nodeSelector"] = labels;
  Json tolerations = common.tolerations;
  if (own.tolerations.is_array())
    for (const Json& toleration : own.tolerations)
      if (std::find(tolerations.begin(), tolerations.end(), toleration) == tolerations.end())
        tolerations.push_back(toleration);
  if (!tolerations.empty()) pod_spec["tolerations"] = std::move(tolerations);
}

}  // namespace imagebuild::controller
