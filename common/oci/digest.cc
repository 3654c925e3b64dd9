#include "common/oci/digest.h"

#include <algorithm>

#include "common/base/sha256.h"

namespace imagebuild::oci {
namespace {

constexpr std::string_view kPrefix = "sha256:";

// What a message may show of untrusted text.
std::string shortened(std::string_view text) {
  constexpr std::size_t kShown = 100;
  return text.size() <= kShown ? std::string(text) : std::string(text.substr(0, kShown)) + "…";
}

}  // namespace

Result<std::string> Sha256Name::parse_hex(std::string_view text, std::string_view what) {
  auto invalid = [&](std::string_view why) {
    return fail(ErrorKind::InvalidInput,
                std::string(what) + " '" + shortened(text) + "': " + std::string(why));
  };
  auto colon = text.find(':');
  if (colon == std::string_view::npos) return invalid("expected sha256:<64 hex characters>");
  if (!text.starts_with(kPrefix)) return invalid("unsupported algorithm, only sha256 is known");
  std::string_view hex = text.substr(kPrefix.size());
  bool valid = hex.size() == 64 && std::all_of(hex.begin(), hex.end(), [](char c) {
                 return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
               });
  if (!valid) return invalid("expected 64 lower-case hex characters after sha256:");
  return std::string(hex);
}

std::string Sha256Name::hash(std::string_view bytes) { return sha256_hex(bytes); }

Result<Digest> Digest::parse(std::string_view text) {
  return Digest(TRY(parse_hex(text, "digest")));
}
Result<Digest> Digest::from_hex(std::string_view hex) {
  return parse(std::string(kPrefix) + std::string(hex));
}
Digest Digest::of(std::string_view bytes) { return Digest(hash(bytes)); }

Result<DiffId> DiffId::parse(std::string_view text) {
  return DiffId(TRY(parse_hex(text, "diff_id")));
}
Result<DiffId> DiffId::from_hex(std::string_view hex) {
  return parse(std::string(kPrefix) + std::string(hex));
}
DiffId DiffId::of(std::string_view bytes) { return DiffId(hash(bytes)); }

}  // namespace imagebuild::oci
