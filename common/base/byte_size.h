// Byte counts as people and Kubernetes write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace imagebuild {

/// "0 B", "812 B", "41.3 MiB": binary units, one decimal.
std::string format_bytes(std::uint64_t bytes);
/// The same without the blank: "182.4MiB".
std::string format_bytes_compact(std::uint64_t bytes);
/// A signed difference: "+1.2 MiB", "-300 B", "±0 B".
std::string format_delta(std::int64_t bytes);
/// A Kubernetes quantity of bytes: "300Mi", "1G", "1048576". InvalidInput otherwise.
Result<std::uint64_t> parse_quantity(std::string_view text);

}  // namespace imagebuild
