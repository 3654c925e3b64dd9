#include "common/oci/reference.h"

#include <algorithm>
#include <cctype>

namespace imagebuild::oci {
namespace {

constexpr std::string_view kDefaultRegistry = "docker.io";
constexpr std::string_view kLegacyRegistry = "index.docker.io";
constexpr std::string_view kOfficialPrefix = "library/";
constexpr std::size_t kMaxReference = 4096;
constexpr std::size_t kMaxRepository = 255;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_alnum(char c) { return is_lower_alnum(c) || is_upper(c); }

bool is_host_label(std::string_view label) {
  return !label.empty() && is_alnum(label.front()) && is_alnum(label.back()) &&
         std::all_of(label.begin(), label.end(), [](char c) { return is_alnum(c) || c == '-'; });
}

bool is_port(std::string_view port) {
  return !port.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit);
}

// host[:port] or [ipv6][:port].
bool is_registry(std::string_view text) {
  if (text.starts_with('[')) {
    auto end = text.find(']');
    if (end == std::string_view::npos || end < 2) return false;
    std::string_view address = text.substr(1, end - 1);
    bool hex = std::all_of(address.begin(), address.end(),
                           [](unsigned char c) { return std::isxdigit(c) || c == ':'; });
    std::string_view rest = text.substr(end + 1);
    return hex && (rest.empty() || (rest[0] == ':' && is_port(rest.substr(1))));
  }
  auto colon = text.find(':');
  if (colon != std::string_view::npos && !is_port(text.substr(colon + 1))) return false;
  std::string_view host = text.substr(0, colon);
  for (;;) {
    auto dot = host.find('.');
    if (!is_host_label(host.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    host.remove_prefix(dot + 1);
  }
}

// [a-z0-9]+ joined by one '.', one or two '_', or any number of '-'.
bool is_path_component(std::string_view text) {
  if (text.empty() || !is_lower_alnum(text.front()) || !is_lower_alnum(text.back())) return false;
  for (std::size_t i = 0; i < text.size();) {
    if (is_lower_alnum(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = text.find_first_not_of(text[i], i);
    std::size_t count = end - i;
    bool separator =
        text[i] == '-' || (text[i] == '.' && count == 1) || (text[i] == '_' && count <= 2);
    if (!separator || !is_lower_alnum(text[end])) return false;
    i = end;
  }
  return true;
}

const char* repository_problem(std::string_view repository) {
  if (repository.empty()) return "the repository is missing";
  if (repository.size() > kMaxRepository) return "the repository is longer than 255 characters";
  if (std::any_of(repository.begin(), repository.end(), is_upper))
    return "the repository must be lower-case";
  for (;;) {
    auto slash = repository.find('/');
    if (!is_path_component(repository.substr(0, slash)))
      return "the repository has a bad component: expected lower-case letters and digits, "
             "separated by '.', '_', '__' or '-'";
    if (slash == std::string_view::npos) return nullptr;
    repository.remove_prefix(slash + 1);
  }
}

// The first component is a registry when it cannot be one of a repository: it has a dot, a port,
// capitals, or is localhost.
bool names_registry(std::string_view component) {
  return component.find_first_of(".:") != std::string_view::npos || component == "localhost" ||
         component.starts_with('[') || std::any_of(component.begin(), component.end(), is_upper);
}

bool is_image_id(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

bool is_valid_tag(std::string_view text) {
  auto is_word = [](char c) { return is_alnum(c) || c == '_'; };
  return !text.empty() && text.size() <= 128 && is_word(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_word(c) || c == '.' || c == '-'; });
}

Result<Reference> Reference::parse(std::string_view text) {
  auto invalid = [&](std::string_view why) {
    return fail(ErrorKind::InvalidInput,
                "image reference '" + std::string(text.substr(0, 300)) + "': " + std::string(why));
  };
  if (text.empty()) return invalid("it is empty");
  if (text.size() > kMaxReference) return invalid("it is too long");
  if (text.find("://") != std::string_view::npos) return invalid("write it without a scheme");
  if (is_image_id(text)) return invalid("64 hex characters are an image id, not a name");

  Reference reference;
  std::string_view rest = text;
  if (auto at = rest.find('@'); at != std::string_view::npos) {
    auto digest = Digest::parse(rest.substr(at + 1));
    if (!digest) return invalid(digest.error().message);
    reference.digest = *digest;
    rest = rest.substr(0, at);
  }
  auto slash = rest.find('/');
  std::string_view first = rest.substr(0, slash);
  if (slash != std::string_view::npos && names_registry(first)) {
    if (!is_registry(first))
      return invalid("'" + std::string(first) + "' is no registry host[:port]");
    reference.registry = first == kLegacyRegistry ? kDefaultRegistry : first;
    rest.remove_prefix(slash + 1);
  } else {
    reference.registry = kDefaultRegistry;
  }
  if (auto colon = rest.find(':'); colon != std::string_view::npos) {
    reference.tag = rest.substr(colon + 1);
    if (!is_valid_tag(reference.tag))
      return invalid("'" + reference.tag.substr(0, 150) + "' is no tag");
    rest = rest.substr(0, colon);
  }
  reference.repository = rest;
  if (reference.registry == kDefaultRegistry && rest.find('/') == std::string_view::npos &&
      !rest.empty())
    reference.repository.insert(0, kOfficialPrefix);
  if (const char* problem = repository_problem(reference.repository)) return invalid(problem);
  return reference;
}

std::string Reference::to_string() const {
  return name() + (tag.empty() ? "" : ":" + tag) + (digest ? "@" + digest->to_string() : "");
}

std::string Reference::familiar() const {
  std::string full = to_string();
  if (registry != kDefaultRegistry) return full;
  // "docker.io/a.b/c": without the registry "a.b" would be one, and a whole lone word an image id.
  auto slash = repository.find('/');
  if (slash != std::string::npos && names_registry(repository.substr(0, slash))) return full;
  full.erase(0, kDefaultRegistry.size() + 1);
  bool official = repository.starts_with(kOfficialPrefix) &&
                  repository.find('/', kOfficialPrefix.size()) == std::string::npos;
  if (official && !is_image_id(std::string_view(full).substr(kOfficialPrefix.size())))
    full.erase(0, kOfficialPrefix.size());
  return full;
}

std::string Reference::identifier() const { return digest ? digest->to_string() : tag_or_latest(); }

}  // namespace imagebuild::oci
