// What names in a spec may look like: the API server's rules, checked before a name reaches a pod.
#pragma once

#include <string_view>

namespace imagebuild::api {

/// ASCII letters, digits and the characters of `extra`; true for "".
bool is_made_of(std::string_view text, std::string_view extra);
/// Of a Kubernetes object.
bool is_object_name(std::string_view name);
/// Of a Secret or ConfigMap: a file name.
bool is_key(std::string_view key);
/// No component is "..", nothing absolute, no control characters: a path that stays below where it
/// is opened.
bool is_relative_path(std::string_view path);

}  // namespace imagebuild::api
