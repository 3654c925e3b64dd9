// Platforms: "os/architecture[/variant]", their spellings, and which of an index's platforms serves
// a wanted one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace imagebuild::oci {

struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;
  std::string os_version;

  /// "linux/arm64", "linux/arm/v7", "LINUX/x86_64": normalised. InvalidInput otherwise.
  static Result<Platform> parse(std::string_view text);
  /// The platform of this machine.
  static Platform host();

  /// One spelling per platform: aarch64 → arm64, x86_64 → amd64, armhf → arm/v7; arm without a
  /// variant is v7, arm64/v8 and amd64/v1 have none.
  Platform normalised() const;
  /// "linux/arm/v7", of the normalised form.
  std::string to_string() const;

  friend bool operator==(const Platform&, const Platform&) = default;
};

/// How well `candidate` serves `wanted`: 0 is exact, larger is an older variant that still runs
/// there (arm/v6 for arm/v7, amd64 for amd64/v3); nullopt: it does not run.
std::optional<int> match_rank(const Platform& wanted, const Platform& candidate);

}  // namespace imagebuild::oci
