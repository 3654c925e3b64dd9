#include "common/api/names.h"

#include <algorithm>

namespace imagebuild::api {

bool is_made_of(std::string_view text, std::string_view extra) {
  return std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           extra.find(static_cast<char>(c)) != extra.npos;
  });
}

bool is_object_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && is_made_of(name, ".-") && name.front() != '-' &&
         name.front() != '.' &&
         std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_relative_path(std::string_view path) {
  if (path.empty() || path.size() > 1024 || path.front() == '/') return false;
  for (std::size_t begin = 0; begin <= path.size();) {
    std::size_t end = std::min(path.find('/', begin), path.size());
    if (path.substr(begin, end - begin) == "..") return false;
    begin = end + 1;
  }
  return std::none_of(path.begin(), path.end(),
                      [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '\\'; });
}

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= 253 && is_made_of(key, "._-") && key != "." && key != "..";
}

}  // namespace imagebuild::api
