// Bytes that were compressed with bzip2 or xz: formats of archives that people add to images (gzip
// and zstd, the formats of layers, are builder/layer/compression.h).
#pragma once

#include "common/archive/byte_stream.h"

namespace imagebuild {

/// Do these first bytes (at least 6) begin a bzip2 or xz stream?
bool is_bzip2_or_xz(std::string_view first_bytes);

/// The plain bytes of a bzip2 or xz stream. InvalidInput: damaged, truncated, neither of both; an
/// error of `compressed` arrives as it was.
ByteSource open_bzip2_or_xz(ByteSource compressed);

}  // namespace imagebuild
