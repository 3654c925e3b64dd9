#include "common/base/json.h"

namespace imagebuild {

Result<Json> parse_json(std::string_view text) {
  constexpr int kMaxDepth = 200;
  bool too_deep = false;
  auto guard = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxDepth) too_deep = true;
    return !too_deep;
  };
  try {
    Json value = Json::parse(text, guard);
    if (too_deep) return fail(ErrorKind::InvalidInput, "JSON nested deeper than 200 levels");
    return value;
  } catch (const Json::parse_error& error) {
    return fail(ErrorKind::InvalidInput, "not JSON at byte " + std::to_string(error.byte));
  } catch (const std::exception& error) {
    return fail(ErrorKind::InvalidInput, std::string("not JSON: ") + error.what());
  }
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

namespace {

template <typename T>
Result<std::optional<T>> find_typed(const Json& object, const char* field,
                                    bool (Json::*is_type)() const noexcept, const char* type_name) {
  if (!object.is_object())
    return fail(ErrorKind::InvalidInput, std::string(field) + ": its parent is not an object");
  auto it = object.find(field);
  if (it == object.end() || it->is_null()) return std::optional<T>();
  if (!((*it).*is_type)())
    return fail(ErrorKind::InvalidInput, std::string(field) + ": expected " + type_name);
  return std::optional<T>(it->template get<T>());
}

}  // namespace

Result<std::optional<std::string>> find_string(const Json& object, const char* field) {
  return find_typed<std::string>(object, field, &Json::is_string, "a string");
}
Result<std::optional<std::int64_t>> find_int(const Json& object, const char* field) {
  return find_typed<std::int64_t>(object, field, &Json::is_number_integer, "an integer");
}
Result<std::optional<bool>> find_bool(const Json& object, const char* field) {
  return find_typed<bool>(object, field, &Json::is_boolean, "true or false");
}

const Json* find_path(const Json& object, std::initializer_list<const char*> path) {
  const Json* current = &object;
  for (const char* name : path) {
    if (!current->is_object()) return nullptr;
    auto it = current->find(name);
    if (it == current->end()) return nullptr;
    current = &*it;
  }
  return current;
}

std::string string_at(const Json& object, std::initializer_list<const char*> path) {
  const Json* found = find_path(object, path);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace imagebuild
