#include "operator/page/projection.h"

#include <algorithm>
#include <cmath>

namespace imagebuild::page {
namespace {

constexpr std::size_t kMostItems = 256;        // of any list; an image has at most 127 layers
constexpr std::size_t kLongestText = 8 << 10;  // of any text

/// Which fields of a JSON value are copied, and of which of them only a part.
struct Fields {
  std::vector<const char*> whole;
  std::vector<std::pair<const char*, Fields>> parts;
};

const Fields& status_fields() {
  static const Fields layer = {{"digest", "sizeBytes", "uncompressedSizeBytes", "wastedBytes",
                                "deltaBytes", "origin", "line", "createdBy"},
                               {}};
  static const Fields platform = {
      {"platform", "digest", "sizeBytes", "ownSizeBytes", "uncompressedSizeBytes",
       "largestLayerSizeBytes", "wastedBytes", "layerCount"},
      {{"layers", layer}, {"largestPaths", {{"path", "sizeBytes", "layer"}, {}}}}};
  static const Fields image = {
      {"ref", "digest", "tags", "sizeBytes", "ownSizeBytes", "uncompressedSizeBytes", "wastedBytes",
       "deltaBytes", "delta", "layerCount", "revision", "createdAt"},
      {{"advice", {{"line", "savesBytes", "message"}, {}}}, {"platforms", platform}}};
  static const Fields failure = {
      {"class", "reason", "message", "stage", "line", "exitCode", "logTail"}, {}};
  static const Fields status = {
      {},
      {{"conditions", {{"type", "status", "reason", "message", "lastTransitionTime"}, {}}},
       {"image", image},
       {"baseline", {{"sizeBytes", "ownSizeBytes", "baseSizeBytes", "samples"}, {}}},
       {"inputs", {{"revision"}, {{"bases", {{"ref", "platform", "digest"}, {}}}}}},
       {"build",
        {{"number", "trigger", "result", "queuedAt", "startedAt", "finishedAt", "retries"},
         {{"failure", failure}}}},
       {"history",
        {{"number", "trigger", "result", "digest", "sizeBytes", "ownSizeBytes", "seconds",
          "finishedAt"},
         {}}}}};
  return status;
}

/// A text, number, flag or list of texts, not larger than the bounds; null for anything else.
Json copy_plain(const Json& value) {
  if (value.is_string()) return api::clip_back(value.get_ref<const std::string&>(), kLongestText);
  if (value.is_number() || value.is_boolean()) return value;
  if (!value.is_array()) return nullptr;
  Json list = Json::array();
  for (const Json& item : value)
    if (item.is_string() && list.size() < kMostItems) list.push_back(copy_plain(item));
  return list;
}

Json copy_fields(const Json& value, const Fields& fields) {
  if (value.is_array()) {
    Json list = Json::array();
    for (const Json& item : value)
      if (item.is_object() && list.size() < kMostItems) list.push_back(copy_fields(item, fields));
    return list;
  }
  Json result = Json::object();
  for (const char* name : fields.whole)
    if (const Json* member = find_path(value, {name}); member != nullptr && !member->is_null())
      result[name] = copy_plain(*member);
  for (const auto& [name, part] : fields.parts)
    if (const Json* member = find_path(value, {name}); member != nullptr)
      if (member->is_structured()) result[name] = copy_fields(*member, part);
  return result;
}

void put_condition(Json& row, const api::Status& status, const char* type, const char* field) {
  const api::Condition* condition = status.find_condition(type);
  if (condition == nullptr) return;
  row[field] = {{"status", condition->status}, {"reason", condition->reason}};
}

const char* source_kind(const api::SourceSpec& source) {
  if (std::holds_alternative<api::OciSource>(source)) return "oci";
  return std::holds_alternative<api::GitSource>(source) ? "git" : "inline";
}

}  // namespace

Json limits_of(const api::Budget& budget, std::uint64_t baseline_bytes) {
  if (!budget.has_limit()) return nullptr;
  Json limits = Json::object();
  if (budget.size_bytes) limits["size"] = *budget.size_bytes;
  if (budget.own_bytes) limits["own"] = *budget.own_bytes;
  if (budget.layers) limits["layers"] = *budget.layers;
  if (budget.growth_percent) limits["growthPercent"] = *budget.growth_percent;
  if (budget.growth_percent && baseline_bytes > 0)
    limits["growth"] =
        std::llround(static_cast<double>(baseline_bytes) * (1 + *budget.growth_percent / 100));
  limits["block"] = budget.enforcement == api::Budget::Enforcement::Block;
  return limits;
}

Json summarize(const api::ImageBuild& object) {
  const api::Status& status = object.status;
  Json row = {{"namespace", object.name_space}, {"name", object.name}};
  if (object.spec.ok()) row["imageName"] = object.spec->image;
  if (object.spec.ok() && object.spec->suspend) row["suspended"] = true;
  put_condition(row, status, "Ready", "ready");
  put_condition(row, status, "UpToDate", "upToDate");
  put_condition(row, status, "WithinBudget", "withinBudget");
  if (status.build && status.build->result.empty() && !status.build->started_at.empty())
    row["building"] = true;
  if (status.baseline && status.baseline->size_bytes > 0)
    row["baselineBytes"] = status.baseline->size_bytes;
  if (status.image) {
    row["sizeBytes"] = status.image->size_bytes;
    row["ownSizeBytes"] = status.image->own_size_bytes;
    row["layerCount"] = status.image->layer_count;
    row["createdAt"] = status.image->created_at;
    if (status.image->delta_bytes) row["deltaBytes"] = *status.image->delta_bytes;
  }
  Json trend = Json::array();  // oldest first
  for (auto entry = status.history.rbegin(); entry != status.history.rend(); ++entry)
    if (entry->size_bytes > 0) trend.push_back(entry->size_bytes);
  if (trend.size() > 1) row["trend"] = std::move(trend);
  return row;
}

Json describe(const api::ImageBuild& object) {
  const api::Status& status = object.status;
  Json result = copy_fields(api::status_to_json(status), status_fields());
  result.update(summarize(object));
  result["generation"] = object.generation;
  result["observedGeneration"] = status.observed_generation;
  if (object.spec.ok()) {
    result["source"] = source_kind(object.spec->source);
    const Json limits =
        limits_of(object.spec->budget, status.baseline ? status.baseline->size_bytes : 0);
    if (!limits.is_null()) result["limits"] = limits;
  }
  // 0 is left out of a status; here it tells an image that did not change from a first one.
  if (status.image && status.image->delta_bytes)
    result["image"]["deltaBytes"] = *status.image->delta_bytes;
  return result;
}

}  // namespace imagebuild::page
