#include "builder/sandbox/usage_messages.h"

#include <nlohmann/json.hpp>

namespace imagebuild::sandbox {
namespace {

// JSON has no numbers as keys: lists of pairs.
Json pairs_to_json(const std::map<std::size_t, std::uint64_t>& pairs) {
  Json list = Json::array();
  for (const auto& [key, bytes] : pairs) list.push_back({key, bytes});
  return list;
}

std::map<std::size_t, std::uint64_t> pairs_from_json(const Json& list) {
  std::map<std::size_t, std::uint64_t> pairs;
  for (const Json& pair : list)
    pairs[pair.at(0).get<std::size_t>()] = pair.at(1).get<std::uint64_t>();
  return pairs;
}

}  // namespace

Json to_json(const UsageOptions& options) {
  return {{"watched", options.watched}, {"largest", options.largest}};
}

// Paths may be any bytes: as a byte array they survive.
Json to_json(const ImageUsage& usage) {
  Json layers = Json::array(), largest = Json::array();
  for (const LayerUsage& layer : usage.layers)
    layers.push_back({{"hidden", layer.hidden},
                      {"hiddenBy", pairs_to_json(layer.hidden_by)},
                      {"watched", pairs_to_json(layer.watched)}});
  for (const LargeFile& file : usage.largest)
    largest.push_back(
        {std::vector<std::uint8_t>(file.path.begin(), file.path.end()), file.bytes, file.layer});
  return {{"layers", std::move(layers)}, {"largest", std::move(largest)}};
}

Result<UsageOptions> usage_options_from_json(const Json& json) {
  try {
    return UsageOptions{.watched = json.at("watched").get<std::vector<std::string>>(),
                        .largest = json.at("largest").get<std::size_t>()};
  } catch (const Json::exception& error) {
    return fail(ErrorKind::InvalidInput, std::string("measure: ") + error.what());
  }
}

Result<ImageUsage> usage_from_json(const Json& json) {
  try {
    ImageUsage usage;
    for (const Json& layer : json.at("layers"))
      usage.layers.push_back({.hidden = layer.at("hidden").get<std::uint64_t>(),
                              .hidden_by = pairs_from_json(layer.at("hiddenBy")),
                              .watched = pairs_from_json(layer.at("watched"))});
    for (const Json& file : json.at("largest")) {
      const auto bytes = file.at(0).get<std::vector<std::uint8_t>>();
      usage.largest.push_back({.path = std::string(bytes.begin(), bytes.end()),
                               .bytes = file.at(1).get<std::uint64_t>(),
                               .layer = file.at(2).get<std::size_t>()});
    }
    return usage;
  } catch (const Json::exception& error) {
    return fail(ErrorKind::InvalidInput, std::string("measure: ") + error.what());
  }
}

}  // namespace imagebuild::sandbox
