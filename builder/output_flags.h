// --output and --compression: where the image goes and in which form.
#pragma once

#include <string>
#include <vector>

#include "builder/executor/options.h"
#include "common/base/result.h"

namespace imagebuild {

/// `output` as written, empty: registry if there are tags, else none. InvalidInput: tags of several
/// repositories, another kind, a kind without its path.
Result<executor::Output> parse_output(const std::vector<std::string>& tags,
                                      const std::string& output);

/// "gzip", "zstd:LEVEL", "none"; empty: gzip. InvalidInput: another format or level.
Result<BlobWriterOptions> parse_compression(const std::string& text);

}  // namespace imagebuild
