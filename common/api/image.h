// ImageBuild.status.image as C++ values: what an accepted image weighs, layer by layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/json.h"

namespace imagebuild::api {

struct ImageLayer {
  std::string digest;  ///< 12 hex digits
  std::uint64_t size_bytes = 0;
  std::string origin;  ///< "base" or "own"
  int line = 0;
  std::string created_by;
  std::uint64_t uncompressed_bytes = 0;
  std::uint64_t wasted_bytes = 0;  ///< uncompressed bytes that later layers hide
  /// Against the same instruction's layer in the image before; none when there was no such layer.
  std::optional<std::int64_t> delta_bytes;
};

struct ImagePath {
  std::string path;
  std::uint64_t size_bytes = 0;  ///< uncompressed
  int layer = 0;                 ///< index into the platform's layers
};

struct ImageAdvice {
  int line = 0;  ///< 0: of no instruction
  std::uint64_t saves_bytes = 0;
  std::string message;
};

struct ImagePlatform {
  std::string platform, digest;
  std::uint64_t size_bytes = 0, own_size_bytes = 0, uncompressed_bytes = 0, largest_layer_bytes = 0;
  std::optional<std::uint64_t> wasted_bytes;  ///< none: not measured
  int layer_count = 0;
  std::vector<ImageLayer> layers;
  std::vector<ImagePath> largest_paths;  ///< largest first
};

/// The last accepted image; a later failure does not erase it.
/// Sizes are those of the largest platform.
struct Image {
  std::string ref;  ///< repository@digest
  std::string digest;
  std::vector<std::string> tags;
  std::uint64_t size_bytes = 0, own_size_bytes = 0, uncompressed_bytes = 0;
  std::optional<std::int64_t> delta_bytes;  ///< against the image before it
  std::uint64_t baseline_size_bytes = 0;    ///< what its growth is judged against; 0: nothing
  int layer_count = 0;
  std::string delta;  ///< "+0.7%"
  std::optional<std::uint64_t> wasted_bytes;
  std::vector<ImageAdvice> advice;  ///< most bytes first
  std::string revision;
  std::string created_at;
  std::vector<ImagePlatform> platforms;
};

ImagePath path_from_json(const Json& value);
Json path_to_json(const ImagePath& path);
ImageAdvice advice_from_json(const Json& value);
Json advice_to_json(const ImageAdvice& advice);

/// Lenient: what is missing or of another type keeps its default.
Image image_from_json(const Json& value);
Json image_to_json(const Image& image);

}  // namespace imagebuild::api
