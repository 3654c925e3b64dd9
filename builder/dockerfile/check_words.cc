// See check_words.h. The rules of references are those of distribution/reference.
#include "builder/dockerfile/check_words.h"

#include <algorithm>
#include <set>
#include <vector>

#include "builder/dockerfile/text.h"

namespace imagebuild::dockerfile {

namespace {

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_word(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_'; }

/// A name's words between underscores contain a word of `list`.
bool has_word(const std::string& name, const std::set<std::string>& list) {
  std::string rest = lower(name);
  for (;;) {
    std::size_t end = rest.find('_');
    if (list.count(rest.substr(0, end)) != 0) return true;
    if (end == std::string::npos) return false;
    rest = rest.substr(end + 1);
  }
}

/// Runs of small letters and digits, joined by ".", "_", "__" or dashes.
bool is_path_component(std::string_view text) {
  if (text.empty() || !is_lower_or_digit(text.front()) || !is_lower_or_digit(text.back()))
    return false;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && !is_lower_or_digit(text[end])) ++end;
    std::string_view joint = text.substr(i, end - i);
    bool dashes = joint.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && joint != "." && joint != "_" && joint != "__") return false;
    i = end + 1;
  }
  return true;
}

bool is_path(std::string_view path) {
  for (;;) {
    std::size_t slash = path.find('/');
    if (!is_path_component(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool is_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 128 && is_word(tag.front()) &&
         std::all_of(tag.begin(), tag.end(),
                     [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

bool is_digest(std::string_view digest) {
  Cut pair = cut(digest, ':');
  return pair.found && !pair.before.empty() && pair.after.size() >= 32 &&
         std::all_of(pair.after.begin(), pair.after.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

/// The part before the first slash is a host: it has a dot, a port or capitals, or is "localhost".
bool is_host(std::string_view text) {
  return text.find_first_of(".:") != std::string_view::npos || text == "localhost" ||
         lower(text) != text;
}

std::vector<std::string_view> parts_of(std::string_view platform) {
  std::vector<std::string_view> parts;
  for (;;) {
    std::size_t slash = platform.find('/');
    parts.push_back(platform.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    platform.remove_prefix(slash + 1);
  }
}

}  // namespace

bool looks_secret(const std::string& name) {
  static const std::set<std::string> secret{"apikey", "auth",     "credential", "credentials",
                                            "key",    "password", "pword",      "passwd",
                                            "secret", "token"};
  static const std::set<std::string> harmless{"public", "file", "version"};
  return has_word(name, secret) && !has_word(name, harmless);
}

bool plausible_reference(std::string_view text) {
  if (Cut digest = cut(text, '@'); digest.found) {
    if (!is_digest(digest.after)) return false;
    text = digest.before;
  }
  std::size_t slash = text.rfind('/');
  std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    if (!is_tag(text.substr(colon + 1))) return false;
    text = text.substr(0, colon);
  }
  std::size_t host_end = text.find('/');
  bool has_host = host_end != std::string_view::npos && is_host(text.substr(0, host_end));
  return is_path(has_host ? text.substr(host_end + 1) : text);
}

bool plausible_platform(std::string_view platform) {
  std::vector<std::string_view> parts = parts_of(platform);
  return parts.size() <= 4 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
             return is_word(c) || c == '.' || c == '-';
           });
         });
}

bool names_platform(const std::string& stage, std::string_view platform) {
  std::vector<std::string_view> parts = parts_of(platform);
  // The variant ("v7") does not count; a lone word is a system or a machine.
  parts.resize(std::min<std::size_t>(parts.size(), 2));
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return !part.empty() && stage.find(lower(part)) != std::string::npos;
  });
}

}  // namespace imagebuild::dockerfile
