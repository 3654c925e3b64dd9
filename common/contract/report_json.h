// Reading and writing the fields of a report: absent is zero, and what has another type is absent.
#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base/json.h"

namespace imagebuild::contract {

inline void put(Json& object, const char* field, const std::string& text) {
  if (!text.empty()) object[field] = text;
}
inline void put(Json& object, const char* field, std::uint64_t number) {
  if (number != 0) object[field] = number;
}

inline std::uint64_t unsigned_at(const Json& object, const char* field) {
  auto it = object.find(field);
  if (it == object.end() || !it->is_number_unsigned()) return 0;
  return it->get<std::uint64_t>();
}
inline int int_at(const Json& object, const char* field) {
  return static_cast<int>(std::min<std::uint64_t>(unsigned_at(object, field), INT32_MAX));
}

}  // namespace imagebuild::contract
