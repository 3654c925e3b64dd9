// What a person does next, for every reason that a condition or a failure may carry. Pure.
#pragma once

#include <string>
#include <string_view>

namespace imagebuild::plugin {

/// A sentence or two; "" for a word that is no reason of ours. `object` stands where the text names
/// the ImageBuild in a command: "web" or "web -n shop".
std::string what_to_do(std::string_view reason, std::string_view object);

}  // namespace imagebuild::plugin
