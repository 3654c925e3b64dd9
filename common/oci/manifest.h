// Image manifests and indexes, OCI and Docker schema 2. parse() reads untrusted bytes within
// bounds; serialise() is deterministic, so equal values have equal digests.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/oci/descriptor.h"
#include "common/oci/media_type.h"
#include "common/oci/platform.h"

namespace imagebuild::oci {

/// What registries accept, and what parse() reads at most.
inline constexpr std::size_t kMaxManifestBytes = 4u << 20;

/// An image of one platform.
struct Manifest {
  std::string media_type{media_type::kManifest};
  std::string artifact_type;
  Descriptor config;
  std::vector<Descriptor> layers;
  std::optional<Descriptor> subject;
  std::map<std::string, std::string> annotations;

  /// InvalidInput: too large, not JSON, an index, Docker schema 1, both `layers` and `manifests`,
  /// a bad descriptor.
  static Result<Manifest> parse(std::string_view text);
  std::string serialise() const;
  /// Bytes that are transferred: config and layers.
  std::uint64_t total_size() const;
};

/// A list of manifests, one a platform.
struct Index {
  std::string media_type{media_type::kIndex};
  std::string artifact_type;
  std::vector<Descriptor> manifests;
  std::optional<Descriptor> subject;
  std::map<std::string, std::string> annotations;

  static Result<Index> parse(std::string_view text);
  std::string serialise() const;

  /// The manifest that serves `wanted` best (the first of equals). NotFound lists what there is.
  Result<Descriptor> choose(const Platform& wanted) const;
};

/// What a manifest document is: its `mediaType` member, else by its shape; `content_type` (of the
/// response) decides only when the document does not say. InvalidInput when it is neither manifest
/// nor index, or claims to be both.
Result<std::string> detect_media_type(std::string_view text, std::string_view content_type);

}  // namespace imagebuild::oci
