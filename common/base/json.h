// Reading JSON without exceptions: parse with bounds, and typed look-ups that name the field.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace imagebuild {

using Json = nlohmann::json;

/// Parses a document. InvalidInput with the byte offset when it is not JSON or
/// nested deeper than 200 levels.
Result<Json> parse_json(std::string_view text);
/// Serialises; invalid UTF-8 is replaced, never thrown.
std::string dump_json(const Json& value, int indent = -1);

/// Optional string member: nullopt if absent or null; InvalidInput ("field: expected a string") if
/// of another type.
Result<std::optional<std::string>> find_string(const Json& object, const char* field);
Result<std::optional<std::int64_t>> find_int(const Json& object, const char* field);
Result<std::optional<bool>> find_bool(const Json& object, const char* field);
/// Member of an object by a path of names, or nullptr: find_path(pod, {"status", "phase"}).
const Json* find_path(const Json& object, std::initializer_list<const char*> path);
/// The string at a path, or "" when it is absent or of another type (for
/// projections of API objects).
std::string string_at(const Json& object, std::initializer_list<const char*> path);

}  // namespace imagebuild
