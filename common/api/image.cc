#include "common/api/image.h"

#include <algorithm>

#include "common/api/status_json.h"
#include "common/base/byte_size.h"

namespace imagebuild::api {
namespace {

std::optional<std::int64_t> maybe_integer_at(const Json& object, const char* field) {
  const Json* value = find_path(object, {field});
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  return value->get<std::int64_t>();
}

std::optional<std::uint64_t> maybe_bytes_at(const Json& object, const char* field) {
  auto value = maybe_integer_at(object, field);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

ImageLayer layer_from_json(const Json& value) {
  return {.digest = string_at(value, {"digest"}),
          .size_bytes = bytes_at(value, "sizeBytes"),
          .origin = string_at(value, {"origin"}),
          .line = int_at(value, "line"),
          .created_by = string_at(value, {"createdBy"}),
          .uncompressed_bytes = bytes_at(value, "uncompressedSizeBytes"),
          .wasted_bytes = bytes_at(value, "wastedBytes"),
          .delta_bytes = maybe_integer_at(value, "deltaBytes")};
}

Json layer_to_json(const ImageLayer& layer) {
  Json result = {{"digest", layer.digest}, {"origin", layer.origin}};
  put_number(result, "sizeBytes", layer.size_bytes);
  if (layer.line > 0) result["line"] = layer.line;
  put(result, "createdBy", layer.created_by);
  put_number(result, "uncompressedSizeBytes", layer.uncompressed_bytes);
  put_number(result, "wastedBytes", layer.wasted_bytes);
  if (layer.delta_bytes) result["deltaBytes"] = *layer.delta_bytes;
  return result;
}

}  // namespace

ImagePath path_from_json(const Json& value) {
  return {string_at(value, {"path"}), bytes_at(value, "sizeBytes"), int_at(value, "layer")};
}

Json path_to_json(const ImagePath& path) {
  return {{"path", path.path}, {"sizeBytes", path.size_bytes}, {"layer", path.layer}};
}

ImageAdvice advice_from_json(const Json& value) {
  return {int_at(value, "line"), bytes_at(value, "savesBytes"), string_at(value, {"message"})};
}

Json advice_to_json(const ImageAdvice& advice) {
  Json result = {{"savesBytes", advice.saves_bytes}, {"message", advice.message}};
  put_number(result, "line", advice.line);
  return result;
}

namespace {

ImagePlatform platform_from_json(const Json& value) {
  ImagePlatform platform{string_at(value, {"platform"}), string_at(value, {"digest"})};
  platform.size_bytes = bytes_at(value, "sizeBytes");
  platform.own_size_bytes = bytes_at(value, "ownSizeBytes");
  platform.uncompressed_bytes = bytes_at(value, "uncompressedSizeBytes");
  platform.largest_layer_bytes = bytes_at(value, "largestLayerSizeBytes");
  platform.layer_count = int_at(value, "layerCount");
  platform.wasted_bytes = maybe_bytes_at(value, "wastedBytes");
  platform.layers = list_at<ImageLayer>(value, "layers", layer_from_json);
  platform.largest_paths = list_at<ImagePath>(value, "largestPaths", path_from_json);
  return platform;
}

Json platform_to_json(const ImagePlatform& platform) {
  Json result = {{"platform", platform.platform}, {"digest", platform.digest}};
  put_number(result, "sizeBytes", platform.size_bytes);
  put_number(result, "ownSizeBytes", platform.own_size_bytes);
  put_number(result, "uncompressedSizeBytes", platform.uncompressed_bytes);
  put_number(result, "largestLayerSizeBytes", platform.largest_layer_bytes);
  put_number(result, "layerCount", platform.layer_count);
  put_number(result, "layersOmitted",
             std::max(0, platform.layer_count - static_cast<int>(platform.layers.size())));
  if (platform.wasted_bytes) result["wastedBytes"] = *platform.wasted_bytes;
  for (const ImageLayer& layer : platform.layers) result["layers"].push_back(layer_to_json(layer));
  for (const ImagePath& path : platform.largest_paths)
    result["largestPaths"].push_back(path_to_json(path));
  return result;
}

}  // namespace

Image image_from_json(const Json& value) {
  Image image{.ref = string_at(value, {"ref"}), .digest = string_at(value, {"digest"})};
  if (const Json* tags = find_path(value, {"tags"}); tags != nullptr && tags->is_array())
    for (const Json& tag : *tags)
      if (tag.is_string()) image.tags.push_back(tag.get<std::string>());
  image.size_bytes = bytes_at(value, "sizeBytes");
  image.own_size_bytes = bytes_at(value, "ownSizeBytes");
  image.uncompressed_bytes = bytes_at(value, "uncompressedSizeBytes");
  image.delta_bytes = maybe_integer_at(value, "deltaBytes");
  image.delta = string_at(value, {"delta"});
  if (!image.delta.empty() && !image.delta_bytes) image.delta_bytes = 0;  // "±0.0%"
  image.baseline_size_bytes = bytes_at(value, "baselineSizeBytes");
  image.wasted_bytes = maybe_bytes_at(value, "wastedBytes");
  image.advice = list_at<ImageAdvice>(value, "advice", advice_from_json);
  image.layer_count = int_at(value, "layerCount");
  image.revision = string_at(value, {"revision"});
  image.created_at = string_at(value, {"createdAt"});
  image.platforms = list_at<ImagePlatform>(value, "platforms", platform_from_json);
  return image;
}

Json image_to_json(const Image& image) {
  Json result = {{"ref", image.ref},
                 {"digest", image.digest},
                 {"size", format_bytes_compact(image.size_bytes)}};
  put_number(result, "sizeBytes", image.size_bytes);
  put_number(result, "ownSizeBytes", image.own_size_bytes);
  put_number(result, "uncompressedSizeBytes", image.uncompressed_bytes);
  put_number(result, "layerCount", image.layer_count);
  if (!image.tags.empty()) result["tags"] = image.tags;
  put_number(result, "deltaBytes", image.delta_bytes.value_or(0));
  put(result, "delta", image.delta);
  put_number(result, "baselineSizeBytes", image.baseline_size_bytes);
  if (image.wasted_bytes) result["wastedBytes"] = *image.wasted_bytes;
  for (const ImageAdvice& advice : image.advice) result["advice"].push_back(advice_to_json(advice));
  put(result, "revision", image.revision);
  put(result, "createdAt", image.created_at);
  for (const ImagePlatform& platform : image.platforms)
    result["platforms"].push_back(platform_to_json(platform));
  return result;
}

}  // namespace imagebuild::api
