// Reads the fields of a JSON object and knows which it has read, so that a field nobody understands
// is an error and not a silent nothing. Every complaint carries the full path
// ("spec.source.git.url: …"); the first one wins.
//
//   FieldErrors errors;
//   FieldReader spec(json, "spec", errors);
//   build.image = spec.required_text("image");
//   spec.finish();
//   if (errors.first) return *errors.first;
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/json.h"

namespace imagebuild::api {

struct FieldErrors {
  std::optional<Error> first;  ///< InvalidInput, "path: what is wrong"
};

class FieldReader {
 public:
  FieldReader(const Json& value, std::string path, FieldErrors& errors);

  bool has(const char* field) const;
  std::string text(const char* field);           ///< "" when absent
  std::string required_text(const char* field);  ///< absent or empty is an error
  std::optional<std::string> maybe_text(const char* field);
  std::optional<std::int64_t> integer(const char* field, std::int64_t lowest, std::int64_t highest);
  std::optional<double> number(const char* field);
  bool flag(const char* field, bool otherwise);
  std::optional<Duration> duration(const char* field);
  std::vector<std::string> texts(const char* field);
  std::map<std::string, std::string> text_map(const char* field);
  /// The raw value, for parts that are passed on as they are; null when absent.
  Json raw(const char* field);
  /// Reads an object; `read` is not called when the field is absent.
  bool object(const char* field, const std::function<void(FieldReader&)>& read);
  /// Reads a list of objects.
  void objects(const char* field, const std::function<void(FieldReader&)>& read);
  /// One of a closed set; absent: the first of `names`, whose index is returned.
  std::size_t choice(const char* field, const std::vector<const char*>& names);

  /// Every field that was not read is an error.
  void finish();
  /// Ignores what was not read (objects written by a newer operator: status).
  void finish_leniently() {}

  void fail(const std::string& field, const std::string& what);
  std::string at(const std::string& field) const {
    return path_.empty() ? field : path_ + "." + field;
  }

 private:
  const Json* find(const char* field);

  const Json& value_;
  std::string path_;
  FieldErrors& errors_;
  std::set<std::string> read_;
};

}  // namespace imagebuild::api
