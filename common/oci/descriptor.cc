#include "common/oci/descriptor.h"

#include <nlohmann/json.hpp>

#include "common/oci/json_fields.h"

namespace imagebuild::oci {
namespace {

Result<Platform> platform_from_json(const Json& value) {
  if (!value.is_object()) return fail(ErrorKind::InvalidInput, "platform: expected an object");
  Platform platform;
  platform.os = TRY(string_or_empty(value, "os"));
  platform.architecture = TRY(string_or_empty(value, "architecture"));
  platform.variant = TRY(string_or_empty(value, "variant"));
  platform.os_version = TRY(string_or_empty(value, "os.version"));
  return platform;
}

nlohmann::ordered_json platform_to_json(const Platform& platform) {
  nlohmann::ordered_json out;
  out["architecture"] = platform.architecture;
  out["os"] = platform.os;
  if (!platform.os_version.empty()) out["os.version"] = platform.os_version;
  if (!platform.variant.empty()) out["variant"] = platform.variant;
  return out;
}

}  // namespace

Result<Descriptor> Descriptor::from_json(const Json& value) {
  if (!value.is_object()) return fail(ErrorKind::InvalidInput, "descriptor: expected an object");
  Descriptor descriptor;
  descriptor.media_type = TRY(string_or_empty(value, "mediaType"));
  std::string digest = TRY(string_or_empty(value, "digest"));
  descriptor.digest = TRY(Digest::parse(digest));
  auto size = TRY(find_int(value, "size"));
  if (!size || *size < 0) return fail(ErrorKind::InvalidInput, "size: expected a number of bytes");
  descriptor.size = static_cast<std::uint64_t>(*size);
  descriptor.annotations = TRY(string_map(value, "annotations"));
  if (auto it = value.find("platform"); it != value.end() && !it->is_null())
    descriptor.platform = TRY(platform_from_json(*it));
  descriptor.artifact_type = TRY(string_or_empty(value, "artifactType"));
  return descriptor;
}

nlohmann::ordered_json Descriptor::to_json() const {
  nlohmann::ordered_json out;
  out["mediaType"] = media_type;
  out["digest"] = digest.to_string();
  out["size"] = size;
  if (!annotations.empty()) out["annotations"] = annotations;
  if (platform) out["platform"] = platform_to_json(*platform);
  if (!artifact_type.empty()) out["artifactType"] = artifact_type;
  return out;
}

}  // namespace imagebuild::oci
