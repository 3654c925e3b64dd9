#include "plugin/view.h"

#include <algorithm>

namespace imagebuild::plugin {
namespace {

std::optional<std::int64_t> integer_at(const Json& object, const char* field) {
  const Json* value = find_path(object, {field});
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  return value->get<std::int64_t>();
}
std::optional<std::uint64_t> maybe_bytes(const Json& object, const char* field) {
  auto value = integer_at(object, field);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}
std::uint64_t bytes_at(const Json& object, const char* field) {
  return maybe_bytes(object, field).value_or(0);
}
int int_at(const Json& object, const char* field) {
  return static_cast<int>(
      std::clamp<std::int64_t>(integer_at(object, field).value_or(0), 0, INT32_MAX));
}

/// Calls `take` with every object of the list at `path`.
template <typename F>
void each(const Json& object, std::initializer_list<const char*> path, F take) {
  const Json* list = find_path(object, path);
  if (list == nullptr || !list->is_array()) return;
  for (const Json& item : *list)
    if (item.is_object()) take(item);
}

std::vector<std::string> texts_at(const Json& object, std::initializer_list<const char*> path) {
  std::vector<std::string> result;
  const Json* list = find_path(object, path);
  if (list == nullptr || !list->is_array()) return result;
  for (const Json& item : *list)
    if (item.is_string()) result.push_back(item.get<std::string>());
  return result;
}

/// A quantity may be written as a string or as a number.
std::string quantity_at(const Json& object, const char* field) {
  if (auto number = integer_at(object, field)) return std::to_string(*number);
  return string_at(object, {field});
}

LayerView layer_from_json(const Json& value) {
  return {.digest = string_at(value, {"digest"}),
          .size_bytes = bytes_at(value, "sizeBytes"),
          .own = string_at(value, {"origin"}) == "own",
          .line = int_at(value, "line"),
          .created_by = string_at(value, {"createdBy"}),
          .uncompressed_bytes = maybe_bytes(value, "uncompressedBytes"),
          .wasted_bytes = maybe_bytes(value, "wastedBytes"),
          .delta_bytes = integer_at(value, "deltaBytes")};
}

void read_platform(const Json& platform, ImageView& image) {
  image.platform = string_at(platform, {"platform"});
  if (auto wasted = maybe_bytes(platform, "wastedBytes")) image.wasted_bytes = wasted;
  each(platform, {"layers"},
       [&](const Json& layer) { image.layers.push_back(layer_from_json(layer)); });
  each(platform, {"largestPaths"}, [&](const Json& path) {
    image.largest_paths.push_back(
        {string_at(path, {"path"}), bytes_at(path, "sizeBytes"), int_at(path, "layer")});
  });
}

ImageView image_from_json(const Json& value) {
  ImageView image{.ref = string_at(value, {"ref"}),
                  .digest = string_at(value, {"digest"}),
                  .platform = {},
                  .revision = string_at(value, {"revision"}),
                  .created_at = string_at(value, {"createdAt"}),
                  .delta = string_at(value, {"delta"}),
                  .tags = texts_at(value, {"tags"}),
                  .size_bytes = bytes_at(value, "sizeBytes"),
                  .own_bytes = bytes_at(value, "ownSizeBytes"),
                  .uncompressed_bytes = bytes_at(value, "uncompressedSizeBytes"),
                  .wasted_bytes = maybe_bytes(value, "wastedBytes"),
                  .delta_bytes = integer_at(value, "deltaBytes"),
                  .layer_count = int_at(value, "layerCount")};
  // The operator leaves zeros out: "±0.0%" alone is a difference of nothing.
  if (!image.delta.empty() && !image.delta_bytes) image.delta_bytes = 0;
  const Json* largest = nullptr;
  each(value, {"platforms"}, [&](const Json& platform) {
    if (largest == nullptr || bytes_at(platform, "sizeBytes") > bytes_at(*largest, "sizeBytes"))
      largest = &platform;
  });
  if (largest != nullptr) read_platform(*largest, image);
  each(value, {"advice"}, [&](const Json& advice) {
    image.advice.push_back(
        {int_at(advice, "line"), bytes_at(advice, "savesBytes"), string_at(advice, {"message"})});
  });
  return image;
}

BudgetView budget_from_json(const Json& value) {
  return {.size = quantity_at(value, "size"),
          .growth = quantity_at(value, "growth"),
          .own = quantity_at(value, "own"),
          .layers = quantity_at(value, "layers"),
          .enforcement = string_at(value, {"enforcement"})};
}

HistoryView history_from_json(const Json& value) {
  HistoryView entry{.number = integer_at(value, "number").value_or(0),
                    .trigger = string_at(value, {"trigger"}),
                    .result = string_at(value, {"result"}),
                    .digest = string_at(value, {"digest"}),
                    .finished_at = string_at(value, {"finishedAt"}),
                    .size_bytes = bytes_at(value, "sizeBytes")};
  if (const Json* seconds = find_path(value, {"seconds"});
      seconds != nullptr && seconds->is_number())
    entry.seconds = seconds->get<double>();
  return entry;
}

}  // namespace

const api::Condition* View::condition(std::string_view type) const {
  for (const api::Condition& condition : conditions)
    if (condition.type == type) return &condition;
  return nullptr;
}

std::string View::condition_status(std::string_view type) const {
  const api::Condition* found = condition(type);
  return found == nullptr || found->status.empty() ? "Unknown" : found->status;
}

std::optional<std::int64_t> View::over_baseline() const {
  if (!image || !baseline || baseline->size_bytes == 0) return std::nullopt;
  return static_cast<std::int64_t>(image->size_bytes) -
         static_cast<std::int64_t>(baseline->size_bytes);
}

int View::line_of_layer(std::string_view digest_hex) const {
  if (!image) return 0;
  for (const LayerView& layer : image->layers)
    if (!layer.digest.empty() && digest_hex.starts_with(layer.digest)) return layer.line;
  return 0;
}

View view_from_json(const Json& object) {
  const api::ImageBuild decoded = api::imagebuild_from_json(object);
  View view{.name_space = decoded.name_space,
            .name = decoded.name,
            .uid = decoded.uid,
            .generation = decoded.generation,
            .observed_generation = decoded.status.observed_generation,
            .target = string_at(object, {"spec", "image"}),
            .insecure = texts_at(object, {"spec", "registries", "insecure"}),
            .rebuild_token = decoded.rebuild_token,
            .conditions = decoded.status.conditions,
            .build = decoded.status.build};
  if (const Json* suspend = find_path(object, {"spec", "suspend"}))
    view.suspended = suspend->is_boolean() && suspend->get<bool>();
  if (const Json* budget = find_path(object, {"spec", "budget"}))
    view.budget = budget_from_json(*budget);
  if (const Json* image = find_path(object, {"status", "image"})) {
    if (image->is_object()) view.image = image_from_json(*image);
  }
  if (const Json* baseline = find_path(object, {"status", "baseline"}))
    view.baseline = BaselineView{bytes_at(*baseline, "sizeBytes"), int_at(*baseline, "samples")};
  each(object, {"status", "history"},
       [&](const Json& entry) { view.history.push_back(history_from_json(entry)); });
  return view;
}

}  // namespace imagebuild::plugin
