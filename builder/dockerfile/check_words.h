// What the lint rules have to judge by looking at a name: does it look like a secret's, could it be
// an image, which platform does it name. Pure; internal to this module.
#pragma once

#include <string>
#include <string_view>

namespace imagebuild::dockerfile {

/// A variable that is likely to hold a secret: NPM_TOKEN, but not TOKEN_FILE.
bool looks_secret(const std::string& name);

/// Could this be an image reference or a stage's name? [host[:port]/]path[:tag][@algorithm:hex]
bool plausible_reference(std::string_view text);

/// Does a stage's name say the system or the machine of this platform ("linux/amd64", "arm64")?
/// False for what is no platform.
bool names_platform(const std::string& stage, std::string_view platform);
/// Has it the form of a platform: one to four words of letters, digits, _, . and -?
bool plausible_platform(std::string_view platform);

}  // namespace imagebuild::dockerfile
