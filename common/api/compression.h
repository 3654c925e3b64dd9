// spec.compression: how the layers that a build makes are compressed.
#pragma once

#include <optional>

#include "common/api/field_reader.h"
#include "common/base/json.h"

namespace imagebuild::api {

struct LayerCompression {
  enum class Format { Gzip, Zstd, None };
  Format format = Format::Gzip;
  std::optional<int> level;  ///< gzip: 1 to 12, zstd: 1 to 19; absent: 6 and 3
  friend bool operator==(const LayerCompression&, const LayerCompression&) = default;
};

/// The field "compression" of `spec`; errors go to its list.
LayerCompression read_compression(FieldReader& spec);
/// {"format", "level"}.
Json compression_to_json(const LayerCompression& compression);

}  // namespace imagebuild::api
