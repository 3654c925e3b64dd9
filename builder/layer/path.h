// Paths inside a tree that we do not trust: cleaning, and following symlinks the way a chroot
// would. Pure: what is where is asked through a function, so the same walk serves a layer, a stack
// of layers and a build context.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace imagebuild::layer {

/// Lexically clean and relative: no '/', "." or ".." at the front or inside; ".." stops at the
/// root; "" is the root.
std::string clean_path(std::string_view path);
/// "a/b" from "a" and "b"; "b" from "" and "b".
std::string join_path(std::string_view directory, std::string_view name);
/// "a" of "a/b"; "" of "b" and of "".
std::string_view parent_of(std::string_view path);
/// "b" of "a/b".
std::string_view name_of(std::string_view path);
/// Is `path` `directory` itself or below it?
bool is_within(std::string_view path, std::string_view directory);
/// InvalidInput for a file that no layer can hold: in a layer, a name that starts with ".wh."
/// removes something (OCI image-spec, layer.md, "Whiteouts").
Result<void> check_layer_name(std::string_view path);
/// Components of a path, empty ones and "." left out.
std::vector<std::string> components_of(std::string_view path);

enum class NodeKind { Missing, Directory, Symlink, Other };

struct Node {
  NodeKind kind = NodeKind::Missing;
  std::string link;  // of a symlink
};

/// What is at this clean path, symlinks not followed.
using Lookup = std::function<Result<Node>(const std::string& path)>;

struct ResolvedPath {
  std::string path;  // clean, no symlink in it
  NodeKind kind = NodeKind::Missing;
};

/// Follows every symlink of `path`, the last included; absolute ones and ".." stay inside. What is
/// missing ends the walk: the rest is appended as it stands. InvalidInput: a loop, a file where a
/// directory is needed.
Result<ResolvedPath> resolve_path(std::string_view path, const Lookup& lookup);

}  // namespace imagebuild::layer
