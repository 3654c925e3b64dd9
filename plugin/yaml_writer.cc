#include "plugin/yaml_writer.h"

#include <algorithm>

namespace imagebuild::plugin {
namespace {

/// Text that no YAML reader takes for anything but this string.
bool is_plain(const std::string& text) {
  if (text.empty() || text.size() > 512) return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!letter(text.front()) && text.front() != '/') return false;
  for (const char c : text)
    if (!letter(c) && !(c >= '0' && c <= '9') &&
        std::string_view("-_./@").find(c) == std::string_view::npos)
      return false;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const char* word : {"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
    if (lower == word) return false;
  return true;
}

std::string scalar(const Json& value) {
  if (!value.is_string()) return dump_json(value);
  const auto& text = value.get_ref<const std::string&>();
  // A JSON string is a YAML double-quoted one.
  return is_plain(text) ? text : dump_json(value);
}

void write(const Json& value, std::size_t indent, bool after_dash, std::string& out) {
  const std::string margin(indent, ' ');
  bool first = true;
  auto start = [&] {
    if (!(first && after_dash)) out += margin;
    first = false;
  };
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, member] : value.items()) {
      start();
      out += scalar(Json(key)) + ":";
      const bool nested = (member.is_object() || member.is_array()) && !member.empty();
      out += nested ? "\n" : " " + scalar(member) + "\n";
      if (nested) write(member, member.is_array() ? indent : indent + 2, false, out);
    }
  } else if (value.is_array() && !value.empty()) {
    for (const Json& item : value) {
      start();
      out += "- ";
      const bool nested = (item.is_object() || item.is_array()) && !item.empty();
      if (nested)
        write(item, indent + 2, true, out);
      else
        out += scalar(item) + "\n";
    }
  } else {
    start();
    out += scalar(value) + "\n";
  }
}

}  // namespace

std::string to_yaml(const Json& value) {
  std::string out;
  write(value, 0, false, out);
  return out;
}

}  // namespace imagebuild::plugin
