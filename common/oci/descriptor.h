// A descriptor points to content: type, digest, size.
// https://github.com/opencontainers/image-spec/blob/main/descriptor.md
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/oci/digest.h"
#include "common/oci/platform.h"

namespace imagebuild::oci {

struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;
  std::map<std::string, std::string> annotations;
  std::optional<Platform> platform;  ///< of an index's manifests
  std::string artifact_type;

  /// InvalidInput: a member is missing or of the wrong type, the size is negative,
  /// the digest no SHA-256.
  static Result<Descriptor> from_json(const nlohmann::json& value);
  nlohmann::ordered_json to_json() const;

  friend bool operator==(const Descriptor&, const Descriptor&) = default;
};

}  // namespace imagebuild::oci
