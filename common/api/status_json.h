// Reading and writing the fields of a status. Absent is zero, and what has another type is absent.
#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/json.h"

namespace imagebuild::api {

// Zero values are left out: they say nothing, and some API servers (go-openapi built with Go 1.18
// or later) take "" and 0 for null.
inline void put(Json& object, const char* field, const std::string& text) {
  if (!text.empty()) object[field] = text;
}
template <typename Number>
void put_number(Json& object, const char* field, Number number) {
  if (number != 0) object[field] = number;
}

inline std::int64_t integer_at(const Json& object, const char* field, std::int64_t otherwise = 0) {
  const Json* value = find_path(object, {field});
  return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : otherwise;
}
inline std::uint64_t bytes_at(const Json& object, const char* field) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, integer_at(object, field)));
}
inline int int_at(const Json& object, const char* field) {
  return static_cast<int>(std::clamp<std::int64_t>(integer_at(object, field), 0, INT32_MAX));
}

template <typename T, typename F>
std::vector<T> list_at(const Json& object, const char* field, F read) {
  std::vector<T> result;
  if (const Json* list = find_path(object, {field}); list != nullptr && list->is_array())
    for (const Json& item : *list)
      if (item.is_object()) result.push_back(read(item));
  return result;
}

}  // namespace imagebuild::api
