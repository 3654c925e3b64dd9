// See frontend_level.h.
#include "builder/dockerfile/frontend_level.h"

#include "builder/dockerfile/flags.h"
#include "builder/dockerfile/text.h"

namespace imagebuild::dockerfile {

namespace {

std::string our_level() {
  return "Dockerfile " + std::to_string(kLevelMajor) + "." + std::to_string(kLevelMinor);
}

struct Frontend {
  std::string name, tag;
  bool has_digest = false;
};

Frontend take_apart(std::string_view reference) {
  Frontend frontend;
  Cut digest = cut(reference, '@');
  frontend.has_digest = digest.found;
  std::string_view name = digest.before;
  std::size_t colon = name.rfind(':');
  if (colon != std::string_view::npos && name.find('/', colon) == std::string_view::npos) {
    frontend.tag = lower(name.substr(colon + 1));
    name = name.substr(0, colon);
  }
  for (std::string_view registry : {"docker.io/", "index.docker.io/", "registry-1.docker.io/"}) {
    if (name.substr(0, registry.size()) == registry) name.remove_prefix(registry.size());
  }
  frontend.name = name;
  return frontend;
}

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// "1", "1.4", "1.4.2": is it above our level? nullopt: no version.
std::optional<bool> is_above(std::string_view version) {
  Cut first = cut(version, '.');
  Cut second = cut(first.after, '.');
  auto major = parse_u32(first.before, 10);
  auto minor = first.found ? parse_u32(second.before, 10) : std::optional<std::uint32_t>(0);
  if (!major || !minor || (second.found && !parse_u32(second.after, 10))) return std::nullopt;
  if (*major != kLevelMajor) return *major > static_cast<std::uint32_t>(kLevelMajor);
  return *minor > static_cast<std::uint32_t>(kLevelMinor);
}

}  // namespace

std::optional<std::string> beyond_our_level(std::string_view value) {
  std::string reference(cut(trim(value), ' ').before);
  if (reference.empty()) return std::nullopt;
  Frontend frontend = take_apart(reference);
  std::string start = "syntax " + reference;
  if (frontend.name != "docker/dockerfile" && frontend.name != "docker/dockerfile-upstream") {
    return start + " is another frontend; this builder runs none and reads the file as " +
           our_level();
  }
  std::string tag = frontend.tag;
  bool labs = tag == "labs" || ends_with(tag, "-labs");
  if (labs) tag = tag == "labs" ? "" : tag.substr(0, tag.size() - 5);
  if (ends_with(tag, "-experimental")) tag.resize(tag.size() - 13);
  bool no_version = tag.empty() || tag == "latest";
  auto above = no_version ? std::optional(false) : is_above(tag);
  if (above && *above)
    return start + " is newer than " + our_level() + ", the level of this builder";
  if (labs) return start + ": of the labs channel only what is in " + our_level() + " is known";
  if (!above || (frontend.has_digest && no_version))
    return start + " does not tell its level; this builder reads the file as " + our_level();
  return std::nullopt;
}

}  // namespace imagebuild::dockerfile
