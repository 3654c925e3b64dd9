// View: what the plug-in shows of one ImageBuild, read leniently from the API server's JSON. Fields
// that an older operator does not write are absent, never zero.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/status.h"
#include "common/base/json.h"

namespace imagebuild::plugin {

struct LayerView {
  std::string digest;  ///< 12 hex digits
  std::uint64_t size_bytes = 0;
  bool own = false;  ///< of this Dockerfile, not of the base image
  int line = 0;      ///< of the Dockerfile; 0: none
  std::string created_by;
  std::optional<std::uint64_t> uncompressed_bytes, wasted_bytes;
  std::optional<std::int64_t> delta_bytes;  ///< against the same instruction in the image before
};

struct LargePath {
  std::string path;
  std::uint64_t size_bytes = 0;
  int layer = 0;  ///< index from 0
};

struct AdviceView {
  int line = 0;
  std::uint64_t saves_bytes = 0;
  std::string message;
};

struct BaselineView {
  std::uint64_t size_bytes = 0;
  int samples = 0;
};

/// spec.budget, as it was written; "" where there is no limit.
struct BudgetView {
  std::string size, growth, own, layers, enforcement;
  bool empty() const { return size.empty() && growth.empty() && own.empty() && layers.empty(); }
};

/// The platform whose layers are shown: the largest one.
struct ImageView {
  std::string ref, digest, platform, revision, created_at, delta;
  std::vector<std::string> tags;
  std::uint64_t size_bytes = 0, own_bytes = 0, uncompressed_bytes = 0;
  std::optional<std::uint64_t> wasted_bytes;
  std::optional<std::int64_t> delta_bytes;
  int layer_count = 0;
  std::vector<LayerView> layers;  ///< bottom first
  std::vector<LargePath> largest_paths;
  std::vector<AdviceView> advice;
};

struct HistoryView {
  std::int64_t number = 0;
  std::string trigger, result, digest, finished_at;
  std::uint64_t size_bytes = 0;
  double seconds = 0;
};

struct View {
  std::string name_space, name, uid;
  std::int64_t generation = 0, observed_generation = -1;
  std::string target;  ///< spec.image
  bool suspended = false;
  std::vector<std::string> insecure;  ///< spec.registries.insecure
  std::string rebuild_token;          ///< of the annotations; what build.token answers
  std::vector<api::Condition> conditions;
  std::optional<ImageView> image;
  std::optional<BaselineView> baseline;
  BudgetView budget;
  std::optional<api::Build> build;
  std::vector<HistoryView> history;  ///< newest first

  const api::Condition* condition(std::string_view type) const;
  /// "True", "False", "Unknown"; "Unknown" when there is no such condition.
  std::string condition_status(std::string_view type) const;
  /// Size against the baseline; nullopt without an image, a baseline or with a baseline of zero.
  std::optional<std::int64_t> over_baseline() const;
  /// The instruction's Dockerfile line in the present image: 0 when the layer is not one of its.
  int line_of_layer(std::string_view digest_hex) const;
};

View view_from_json(const Json& object);

}  // namespace imagebuild::plugin
