#include "common/contract/report_tables.h"

#include "common/contract/report_json.h"

namespace imagebuild::contract {
namespace {

constexpr std::size_t kMaxCreatedBy = 96;
constexpr std::size_t kMaxPath = 256;
constexpr std::size_t kMaxAdvice = 256;
constexpr std::size_t kMaxLayers = 1024;
constexpr std::size_t kMaxRows = 20;  // of paths and advice

Json layer_to_json(const LayerReport& layer) {
  Json result = {{"digest", layer.digest},
                 {"sizeBytes", layer.size_bytes},
                 {"uncompressedSizeBytes", layer.uncompressed_bytes},
                 {"origin", layer.origin == LayerOrigin::Base ? "base" : "own"}};
  if (layer.line > 0) result["line"] = layer.line;
  put(result, "createdBy", api::clip_back(layer.created_by, kMaxCreatedBy));
  put(result, "wastedBytes", layer.wasted_bytes);
  return result;
}

LayerReport layer_from_json(const Json& value) {
  return {.digest = string_at(value, {"digest"}),
          .size_bytes = unsigned_at(value, "sizeBytes"),
          .uncompressed_bytes = unsigned_at(value, "uncompressedSizeBytes"),
          .origin = string_at(value, {"origin"}) == "base" ? LayerOrigin::Base : LayerOrigin::Own,
          .line = int_at(value, "line"),
          .created_by = api::clip_back(string_at(value, {"createdBy"}), kMaxCreatedBy),
          .wasted_bytes = unsigned_at(value, "wastedBytes")};
}

api::ImagePath clipped(api::ImagePath path) {
  if (path.path.size() > kMaxPath)
    path.path = "…" + api::clip_front(path.path, kMaxPath - std::string_view("…").size());
  return path;
}
Json path_to_json(const api::ImagePath& path) { return api::path_to_json(clipped(path)); }
api::ImagePath path_from_json(const Json& value) { return clipped(api::path_from_json(value)); }

api::ImageAdvice clipped(api::ImageAdvice advice) {
  advice.message = api::clip_back(advice.message, kMaxAdvice);
  return advice;
}
Json advice_to_json(const api::ImageAdvice& advice) { return api::advice_to_json(clipped(advice)); }
api::ImageAdvice advice_from_json(const Json& value) {
  return clipped(api::advice_from_json(value));
}

template <typename Row>
Json rows_to_json(const std::vector<Row>& rows, Json (*to_json)(const Row&), std::size_t limit) {
  Json list = Json::array();
  for (const Row& row : rows)
    if (list.size() < limit) list.push_back(to_json(row));
  return list;
}

template <typename Row>
void read_rows(const Json& part, const char* table, Row (*from_json)(const Json&),
               std::vector<Row>& rows) {
  const Json* list = find_path(part, {table});
  if (list == nullptr || !list->is_array()) return;
  for (const Json& row : *list)
    if (row.is_object()) rows.push_back(from_json(row));
}

void append_parts(const std::string& platform, const char* table, const Json& rows,
                  std::vector<std::string>& parts) {
  constexpr std::size_t kRoom = kReportLineLimit - kReportFrame.size() - sizeof(" 99/99 ");
  const std::string head = "{\"platform\":" + dump_json(Json(platform)) + ",\"" + table + "\":[";
  std::string part = head;
  for (const Json& row : rows) {
    const std::string text = dump_json(row);
    if (part.size() + text.size() + 3 > kRoom) {
      parts.push_back(part + "]}");
      part = head;
    }
    if (part.size() > head.size()) part += ",";
    part += text;
  }
  if (part.size() > head.size()) parts.push_back(part + "]}");
}

}  // namespace

Json tables_to_json(const PlatformReport& platform) {
  return {{"layers", rows_to_json(platform.layers, layer_to_json, kMaxLayers)},
          {"largestPaths", rows_to_json(platform.largest_paths, path_to_json, kMaxRows)},
          {"advice", rows_to_json(platform.advice, advice_to_json, kMaxRows)}};
}

std::vector<std::string> table_parts(const BuildReport& report) {
  std::vector<std::string> parts;
  auto append_if_it_fits = [&](const std::string& platform, const char* table, const Json& rows) {
    const std::size_t before = parts.size();
    append_parts(platform, table, rows, parts);
    if (parts.size() > static_cast<std::size_t>(kMaxParts)) parts.resize(before);
  };
  // The short tables first: a long list of layers does not cost them.
  for (const char* table : {"advice", "largestPaths", "layers"}) {
    for (const PlatformReport& platform : report.platforms) {
      const bool whole =
          platform.layers.size() <= kMaxLayers || table != std::string_view("layers");
      if (whole)
        append_if_it_fits(api::clip_back(platform.platform, 64), table,
                          tables_to_json(platform).at(table));
    }
  }
  return parts;
}

Result<void> read_table_parts(const std::vector<std::string>& parts,
                              std::vector<PlatformReport>& platforms) {
  Json tables = Json::array();
  for (const std::string& part : parts) tables.push_back(TRY(parse_json(part)));
  for (PlatformReport& platform : platforms) {
    platform.layers.clear();
    platform.largest_paths.clear();
    platform.advice.clear();
    for (const Json& table : tables) {
      if (platform.platform != string_at(table, {"platform"})) continue;
      read_rows(table, "layers", layer_from_json, platform.layers);
      read_rows(table, "largestPaths", path_from_json, platform.largest_paths);
      read_rows(table, "advice", advice_from_json, platform.advice);
    }
  }
  return {};
}

}  // namespace imagebuild::contract
