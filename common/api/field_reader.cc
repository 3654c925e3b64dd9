#include "common/api/field_reader.h"

namespace imagebuild::api {

FieldReader::FieldReader(const Json& value, std::string path, FieldErrors& errors)
    : value_(value), path_(std::move(path)), errors_(errors) {
  if (!value_.is_object() && !errors_.first)
    errors_.first = imagebuild::fail(ErrorKind::InvalidInput,
                                     (path_.empty() ? "document" : path_) + ": expected an object");
}

const Json* FieldReader::find(const char* field) {
  read_.insert(field);
  if (!value_.is_object()) return nullptr;
  auto it = value_.find(field);
  return it == value_.end() || it->is_null() ? nullptr : &*it;
}

bool FieldReader::has(const char* field) const {
  if (!value_.is_object()) return false;
  auto it = value_.find(field);
  return it != value_.end() && !it->is_null();
}

void FieldReader::fail(const std::string& field, const std::string& what) {
  if (!errors_.first)
    errors_.first = imagebuild::fail(ErrorKind::InvalidInput, at(field) + ": " + what);
}

std::optional<std::string> FieldReader::maybe_text(const char* field) {
  const Json* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    fail(field, value->is_number() || value->is_boolean() ? "expected a string (put it in quotes)"
                                                          : "expected a string");
    return std::nullopt;
  }
  return value->get<std::string>();
}

std::string FieldReader::text(const char* field) { return maybe_text(field).value_or(""); }

std::string FieldReader::required_text(const char* field) {
  bool given = has(field);
  std::string value = text(field);
  if (value.empty()) fail(field, given ? "must not be empty" : "is required");
  return value;
}

std::optional<std::int64_t> FieldReader::integer(const char* field, std::int64_t lowest,
                                                 std::int64_t highest) {
  const Json* value = find(field);
  if (value == nullptr) return std::nullopt;
  bool fits = value->is_number_integer() &&
              !(value->is_number_unsigned() &&
                value->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX));
  if (!fits || value->get<std::int64_t>() < lowest || value->get<std::int64_t>() > highest) {
    fail(field,
         "expected an integer from " + std::to_string(lowest) + " to " + std::to_string(highest));
    return std::nullopt;
  }
  return value->get<std::int64_t>();
}

std::optional<double> FieldReader::number(const char* field) {
  const Json* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    fail(field, "expected a number");
    return std::nullopt;
  }
  return value->get<double>();
}

bool FieldReader::flag(const char* field, bool otherwise) {
  const Json* value = find(field);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) {
    fail(field, "expected true or false");
    return otherwise;
  }
  return value->get<bool>();
}

std::optional<Duration> FieldReader::duration(const char* field) {
  auto value = maybe_text(field);
  if (!value) return std::nullopt;
  auto parsed = parse_duration(*value);
  if (!parsed || parsed->count() < 0) {
    fail(field, "expected a duration such as 90s, 5m or 1h30m");
    return std::nullopt;
  }
  return *parsed;
}

std::vector<std::string> FieldReader::texts(const char* field) {
  std::vector<std::string> result;
  const Json* list = find(field);
  if (list == nullptr) return result;
  if (!list->is_array()) {
    fail(field, "expected a list");
    return result;
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (!(*list)[i].is_string()) {
      fail(std::string(field) + "[" + std::to_string(i) + "]", "expected a string");
      return result;
    }
    result.push_back((*list)[i].get<std::string>());
  }
  return result;
}

std::map<std::string, std::string> FieldReader::text_map(const char* field) {
  std::map<std::string, std::string> result;
  const Json* map = find(field);
  if (map == nullptr) return result;
  if (!map->is_object()) {
    fail(field, "expected a map");
    return result;
  }
  for (auto it = map->begin(); it != map->end(); ++it) {
    if (!it->is_string()) {
      fail(std::string(field) + "." + it.key(), "expected a string (put it in quotes)");
      return result;
    }
    result[it.key()] = it->get<std::string>();
  }
  return result;
}

Json FieldReader::raw(const char* field) {
  const Json* value = find(field);
  return value == nullptr ? Json(nullptr) : *value;
}

bool FieldReader::object(const char* field, const std::function<void(FieldReader&)>& read) {
  const Json* value = find(field);
  if (value == nullptr) return false;
  FieldReader reader(*value, at(field), errors_);
  if (value->is_object()) read(reader);
  return true;
}

void FieldReader::objects(const char* field, const std::function<void(FieldReader&)>& read) {
  const Json* list = find(field);
  if (list == nullptr) return;
  if (!list->is_array()) return fail(field, "expected a list");
  for (std::size_t i = 0; i < list->size(); ++i) {
    FieldReader reader((*list)[i], at(field) + "[" + std::to_string(i) + "]", errors_);
    if ((*list)[i].is_object()) read(reader);
  }
}

std::size_t FieldReader::choice(const char* field, const std::vector<const char*>& names) {
  auto value = maybe_text(field);
  if (!value) return 0;
  std::string all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (*value == names[i]) return i;
    all += (i ? ", " : "") + std::string(names[i]);
  }
  fail(field, "\"" + value->substr(0, 64) + "\" is not one of " + all);
  return 0;
}

void FieldReader::finish() {
  if (!value_.is_object()) return;
  for (auto it = value_.begin(); it != value_.end(); ++it)
    if (!read_.contains(it.key())) return fail(it.key().substr(0, 64), "unknown field");
}

}  // namespace imagebuild::api
