#include "common/api/compression.h"

namespace imagebuild::api {

LayerCompression read_compression(FieldReader& spec) {
  using Format = LayerCompression::Format;
  LayerCompression result;
  spec.object("compression", [&](FieldReader& reader) {
    result.format = static_cast<Format>(reader.choice("format", {"gzip", "zstd", "none"}));
    if (auto level = reader.integer("level", 1, result.format == Format::Gzip ? 12 : 19))
      result.level = static_cast<int>(*level);
    if (result.level && result.format == Format::None) reader.fail("level", "none has no level");
    reader.finish();
  });
  return result;
}

Json compression_to_json(const LayerCompression& compression) {
  using Format = LayerCompression::Format;
  Json result = {{"format", compression.format == Format::Gzip   ? "gzip"
                            : compression.format == Format::Zstd ? "zstd"
                                                                 : "none"}};
  if (compression.level) result["level"] = *compression.level;
  return result;
}

}  // namespace imagebuild::api
