#include "common/oci/json_fields.h"

#include <algorithm>

#include "common/base/byte_size.h"

namespace imagebuild::oci {
namespace {

Error expected(const char* field, const char* type) {
  return fail(ErrorKind::InvalidInput, std::string(field) + ": expected " + type);
}

// The member, or nullptr when it is absent or null.
const Json* find_member(const Json& object, const char* field) {
  auto it = object.find(field);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

}  // namespace

Result<std::string> string_or_empty(const Json& object, const char* field) {
  return TRY(find_string(object, field)).value_or("");
}

Result<std::optional<std::vector<std::string>>> find_strings(const Json& object,
                                                             const char* field) {
  const Json* member = find_member(object, field);
  if (member == nullptr) return std::optional<std::vector<std::string>>();
  if (!member->is_array()) return expected(field, "a list of strings");
  std::vector<std::string> strings;
  for (const Json& item : *member) {
    if (!item.is_string()) return expected(field, "a list of strings");
    strings.push_back(item.get<std::string>());
  }
  return std::optional(std::move(strings));
}

Result<std::map<std::string, std::string>> string_map(const Json& object, const char* field) {
  std::map<std::string, std::string> map;
  const Json* member = find_member(object, field);
  if (member == nullptr) return map;
  if (!member->is_object()) return expected(field, "an object of strings");
  for (const auto& [key, value] : member->items()) {
    if (!value.is_string()) return expected(field, "an object of strings");
    map.emplace(key, value.get<std::string>());
  }
  return map;
}

Result<std::set<std::string>> key_set(const Json& object, const char* field) {
  std::set<std::string> keys;
  const Json* member = find_member(object, field);
  if (member == nullptr) return keys;
  if (!member->is_object()) return expected(field, "an object");
  for (const auto& item : member->items()) keys.insert(item.key());
  return keys;
}

std::map<std::string, std::string> unknown_members(const Json& object,
                                                   std::initializer_list<std::string_view> known) {
  std::map<std::string, std::string> unknown;
  for (const auto& [key, value] : object.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      unknown.emplace(key, dump_json(value));
  return unknown;
}

Result<Json> parse_document(std::string_view text, std::size_t limit, std::string_view what) {
  if (text.size() > limit)
    return fail(ErrorKind::InvalidInput, std::string(what) + ": " + format_bytes(text.size()) +
                                             " is more than the limit of " + format_bytes(limit));
  Json document = TRY(parse_json(text).context(what));
  if (!document.is_object())
    return fail(ErrorKind::InvalidInput, std::string(what) + ": expected an object");
  return document;
}

}  // namespace imagebuild::oci
