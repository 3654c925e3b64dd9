#include "common/oci/platform.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace imagebuild::oci {
namespace {

struct ArchitectureName {
  std::string_view spelling, architecture, variant;
};

// Names of uname(2) and Debian beside Go's.
constexpr std::array<ArchitectureName, 12> kSpellings{{
    {"x86_64", "amd64", ""},
    {"x86-64", "amd64", ""},
    {"aarch64", "arm64", ""},
    {"armhf", "arm", "v7"},
    {"armv7l", "arm", "v7"},
    {"armel", "arm", "v6"},
    {"armv6l", "arm", "v6"},
    {"i386", "386", ""},
    {"i686", "386", ""},
    {"ppc64el", "ppc64le", ""},
    {"loongarch64", "loong64", ""},
    {"macos", "darwin", ""},
}};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// "7" → "v7".
std::string with_v(std::string variant) {
  if (variant.size() == 1 && std::isdigit(static_cast<unsigned char>(variant[0])))
    return "v" + variant;
  return variant;
}

// The number of a variant that counts upwards (arm v5..v8, arm64 v8.., amd64 v1..v4), or nullopt.
std::optional<int> variant_level(const Platform& platform) {
  std::string_view variant = platform.variant;
  if (variant.empty()) {
    if (platform.architecture == "amd64") return 10;
    if (platform.architecture == "arm64") return 80;
    return std::nullopt;
  }
  if (variant[0] != 'v' || variant.size() < 2 || variant.size() > 4) return std::nullopt;
  int level = 0;
  std::string_view rest = variant.substr(1);
  if (!std::isdigit(static_cast<unsigned char>(rest[0]))) return std::nullopt;
  level = (rest[0] - '0') * 10;
  if (rest.size() == 1) return level;
  if (rest.size() != 3 || rest[1] != '.' || !std::isdigit(static_cast<unsigned char>(rest[2])))
    return std::nullopt;
  return level + (rest[2] - '0');
}

bool counts_upwards(std::string_view architecture) {
  return architecture == "arm" || architecture == "arm64" || architecture == "amd64";
}

}  // namespace

Platform Platform::normalised() const {
  Platform out{.os = lower(os),
               .architecture = lower(architecture),
               .variant = with_v(lower(variant)),
               .os_version = os_version};
  for (const auto& name : kSpellings) {
    if (out.os == name.spelling) out.os = name.architecture;
    if (out.architecture != name.spelling) continue;
    out.architecture = name.architecture;
    if (out.variant.empty()) out.variant = name.variant;
    break;
  }
  if (out.architecture == "arm" && out.variant.empty()) out.variant = "v7";
  if (out.architecture == "arm64" && out.variant == "v8") out.variant.clear();
  if (out.architecture == "amd64" && out.variant == "v1") out.variant.clear();
  return out;
}

Result<Platform> Platform::parse(std::string_view text) {
  auto invalid = [&](const std::string& why) {
    return fail(ErrorKind::InvalidInput,
                "platform '" + std::string(text.substr(0, 100)) + "': " + why);
  };
  std::vector<std::string> parts(1);
  for (char c : text) {
    bool allowed = std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
    if (c == '/')
      parts.emplace_back();
    else if (allowed)
      parts.back() += c;
    else
      return invalid("expected os/architecture[/variant]");
  }
  if (parts.size() < 2 || parts.size() > 3 ||
      std::any_of(parts.begin(), parts.end(), [](auto& p) { return p.empty(); }))
    return invalid("expected os/architecture[/variant], for example linux/amd64");
  Platform platform{.os = parts[0],
                    .architecture = parts[1],
                    .variant = parts.size() == 3 ? parts[2] : "",
                    .os_version = ""};
  return platform.normalised();
}

Platform Platform::host() {
  utsname name{};
  (void)::uname(&name);
  // A 64-bit kernel may run a 32-bit program; images for the kernel's architecture still run.
  return Platform{.os = "linux", .architecture = name.machine, .variant = "", .os_version = ""}
      .normalised();
}

std::string Platform::to_string() const {
  Platform p = normalised();
  return p.os + "/" + p.architecture + (p.variant.empty() ? "" : "/" + p.variant);
}

std::optional<int> match_rank(const Platform& wanted_spelling, const Platform& candidate_spelling) {
  Platform wanted = wanted_spelling.normalised();
  Platform candidate = candidate_spelling.normalised();
  if (wanted.os != candidate.os || wanted.architecture != candidate.architecture)
    return std::nullopt;
  if (!wanted.os_version.empty() && wanted.os_version != candidate.os_version) return std::nullopt;
  if (wanted.variant == candidate.variant) return 0;
  if (!counts_upwards(wanted.architecture)) return std::nullopt;
  auto have = variant_level(wanted);
  auto need = variant_level(candidate);
  if (!have || !need || *need > *have) return std::nullopt;
  return *have - *need;
}

}  // namespace imagebuild::oci
