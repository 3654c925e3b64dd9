// Reading members of untrusted image JSON, private to common/oci. Absent and null are the same (Go
// writes null for an empty slice); a wrong type is InvalidInput that names the field.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.h"
#include "common/base/result.h"

namespace imagebuild::oci {

Result<std::string> string_or_empty(const Json& object, const char* field);
Result<std::optional<std::vector<std::string>>> find_strings(const Json& object, const char* field);
Result<std::map<std::string, std::string>> string_map(const Json& object, const char* field);
/// The keys of an object whose values mean nothing: {"80/tcp": {}}.
Result<std::set<std::string>> key_set(const Json& object, const char* field);
/// The members that are not in `known`, as JSON text.
std::map<std::string, std::string> unknown_members(const Json& object,
                                                   std::initializer_list<std::string_view> known);
/// Parses a document of at most `limit` bytes that must be an object; errors start with `what`.
Result<Json> parse_document(std::string_view text, std::size_t limit, std::string_view what);

}  // namespace imagebuild::oci
