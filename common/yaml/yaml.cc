#include "common/yaml/yaml.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace imagebuild {
namespace {

constexpr std::size_t kMaxText = 16u << 20;
constexpr std::size_t kMaxNodes = 200'000;          // after aliases are unfolded
constexpr std::size_t kMaxScalarBytes = 32u << 20;  // likewise
constexpr int kMaxDepth = 100;

bool digits(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

// YAML 1.2.2, 10.3.2 (core schema): [-+]?[0-9]+ | 0o[0-7]+ | 0x[0-9a-fA-F]+
bool is_integer(std::string_view text) {
  if (text.substr(0, 2) == "0o") return digits(text.substr(2), "01234567");
  if (text.substr(0, 2) == "0x") return digits(text.substr(2), "0123456789abcdefABCDEF");
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return digits(text, "0123456789");
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_float(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  auto take_digits = [&] {
    std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(end);
    return end;
  };
  std::size_t whole = take_digits();
  std::size_t fraction = 0;
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    fraction = take_digits();
  }
  if (whole + fraction == 0) return false;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return digits(text, "0123456789");
}

Json integer_value(const std::string& text) {
  int base = 10;
  std::string_view number = text;
  if (number.substr(0, 2) == "0o") base = 8;
  if (number.substr(0, 2) == "0x") base = 16;
  if (base != 10) number.remove_prefix(2);
  if (number[0] == '+') number.remove_prefix(1);
  const char* end = number.data() + number.size();
  std::int64_t small = 0;
  if (auto [p, ec] = std::from_chars(number.data(), end, small, base);
      ec == std::errc() && p == end)
    return small;
  std::uint64_t large = 0;
  if (auto [p, ec] = std::from_chars(number.data(), end, large, base);
      ec == std::errc() && p == end)
    return large;
  return std::strtod(text.c_str(), nullptr);
}

bool is_special_float(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return text == ".inf" || text == ".Inf" || text == ".INF" || text == ".nan" || text == ".NaN" ||
         text == ".NAN";
}

class Converter {
 public:
  Result<Json> convert(const YAML::Node& node) { return convert(node, 0); }

 private:
  Result<Json> convert(const YAML::Node& node, int depth) {
    if (++nodes_ > kMaxNodes)
      return error(node, "more than 200000 values once its aliases are unfolded");
    if (depth > kMaxDepth) return error(node, "nested deeper than 100 levels");
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        return Json(nullptr);
      case YAML::NodeType::Scalar:
        return scalar(node);
      case YAML::NodeType::Sequence:
        return sequence(node, depth);
      case YAML::NodeType::Map:
        return map(node, depth);
    }
    return Json(nullptr);
  }

  Result<Json> sequence(const YAML::Node& node, int depth) {
    Json list = Json::array();
    for (const auto& item : node) list.push_back(TRY(convert(item, depth + 1)));
    return list;
  }

  Result<Json> map(const YAML::Node& node, int depth) {
    Json object = Json::object();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) return error(entry.first, "a key must be a plain value");
      const std::string& key = entry.first.Scalar();
      if (key == "<<" && entry.first.Tag() == "?")
        return error(entry.first, "merge keys (<<) are not supported");
      if (object.contains(key))
        return error(entry.first, "the key \"" + key + "\" stands here twice");
      object[key] = TRY(convert(entry.second, depth + 1));
    }
    return object;
  }

  Result<Json> scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    bytes_ += text.size();
    if (bytes_ > kMaxScalarBytes)
      return error(node, "more than 32 MiB of text once its aliases are unfolded");
    const std::string& tag = node.Tag();
    if (tag == "!" || tag == "tag:yaml.org,2002:str")
      return Json(text);  // quoted, or said to be a string
    if (tag != "?" && !tag.empty()) return error(node, "the tag " + tag + " is not supported");
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
      return Json(nullptr);
    if (text == "true" || text == "True" || text == "TRUE") return Json(true);
    if (text == "false" || text == "False" || text == "FALSE") return Json(false);
    if (is_integer(text)) return integer_value(text);
    if (is_float(text)) {
      double value = std::strtod(text.c_str(), nullptr);
      if (!std::isfinite(value)) return error(node, "the number " + text + " is too large");
      return Json(value);
    }
    if (is_special_float(text)) return error(node, text + " has no JSON value");
    return Json(text);
  }

  static Error error(const YAML::Node& node, const std::string& what) {
    int line = node.Mark().line;
    return fail(ErrorKind::InvalidInput, "YAML line " + std::to_string(line + 1) + ": " + what);
  }

  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

Result<std::vector<Json>> parse_yaml_documents(std::string_view text) {
  if (text.size() > kMaxText) return fail(ErrorKind::InvalidInput, "YAML: larger than 16 MiB");
  if (text.find('\0') != std::string_view::npos)
    return fail(ErrorKind::InvalidInput, "YAML: contains a zero byte");
  try {
    std::vector<Json> documents;
    Converter converter;
    for (const YAML::Node& node : YAML::LoadAll(std::string(text))) {
      Json document = TRY(converter.convert(node));
      if (!document.is_null()) documents.push_back(std::move(document));
    }
    return documents;
  } catch (const YAML::Exception& error) {
    return fail(ErrorKind::InvalidInput,
                "YAML line " + std::to_string(error.mark.line + 1) + ": " + error.msg);
  } catch (const std::exception& error) {
    return fail(ErrorKind::InvalidInput, std::string("YAML: ") + error.what());
  }
}

Result<Json> parse_yaml(std::string_view text) {
  auto documents = TRY(parse_yaml_documents(text));
  if (documents.size() > 1)
    return fail(ErrorKind::InvalidInput,
                "YAML: expected one document, found " + std::to_string(documents.size()));
  if (documents.empty()) return Json(nullptr);
  return std::move(documents.front());
}

}  // namespace imagebuild
