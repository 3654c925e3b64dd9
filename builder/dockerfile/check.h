// Lint: BuildKit's build checks by their names, honouring `# check=skip=A,B;error=true` at the top
// and above an instruction, and one of our own, UnsupportedSyntax (frontend_level.h). Pure;
// findings come in the order of lines. A finding is a warning unless the directive says error.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "builder/dockerfile/dockerfile.h"

namespace imagebuild::dockerfile {

struct Finding {
  std::string rule;         ///< "StageNameCasing"
  std::string description;  ///< what the rule asks for
  std::string message;      ///< what was found here
  int line = 0;
};

struct CheckOptions {
  /// BUILDKIT_DOCKERFILE_CHECK among them replaces the directive, BUILDKIT_SYNTAX the syntax.
  std::map<std::string, std::string> build_args;
  /// Says whether a path of the context, and all that may be below it, is excluded by
  /// .dockerignore (rule CopyIgnoredFile); unset: not checked.
  std::function<bool(const std::string& path)> ignored;
  /// Variables that are set by base images, by image reference (rule UndefinedVar); unset: stages
  /// on images are trusted to set nothing but PATH.
  std::function<std::vector<std::string>(const std::string& image)> base_environment;
  /// The platform that an image has ("linux/arm64"), nullopt: not known (rule
  /// InvalidBaseImagePlatform); unset: not checked.
  std::function<std::optional<std::string>(const std::string& image, const std::string& wanted)>
      base_platform;
  /// What TARGETPLATFORM and BUILDPLATFORM are.
  std::string target_platform = "linux/amd64", build_platform = "linux/amd64";
  /// More rules to skip, as the directive would.
  std::vector<std::string> skip;
};

/// More are counted, not kept: a hostile file has millions.
inline constexpr std::size_t kMaxFindings = 10'000;

struct CheckResult {
  std::vector<Finding> findings;
  std::size_t omitted = 0;  ///< findings beyond kMaxFindings
  bool fail = false;        ///< the directive says error=true and there are findings
};

/// "Dockerfile:7: StageNameCasing: …".
std::string to_line(const Dockerfile& dockerfile, const Finding& finding);

/// InvalidInput when the check directive itself is wrong.
Result<CheckResult> check(const Dockerfile& dockerfile, const CheckOptions& options = {});

}  // namespace imagebuild::dockerfile
