// `# syntax=` against the level of the Dockerfile language that this builder has. It reads every
// file itself and runs no frontend image, so what the line asks for beyond that is said. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace imagebuild::dockerfile {

/// Dockerfile 1.26, the language of BuildKit 0.32.
inline constexpr int kLevelMajor = 1, kLevelMinor = 26;

/// What `# syntax=VALUE` asks for that this builder does not have, as a sentence: a newer level
/// ("docker/dockerfile:1.27"), the labs channel, another frontend, a tag that tells no level.
/// nullopt: nothing, as with "docker/dockerfile:1".
std::optional<std::string> beyond_our_level(std::string_view value);

}  // namespace imagebuild::dockerfile
