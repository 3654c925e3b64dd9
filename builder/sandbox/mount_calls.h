// Mounting inside a tree that we do not trust: every target is opened below the tree's root first
// and then mounted on by descriptor, so a symlink in the image cannot lead a mount elsewhere.
#pragma once

#include <string>

#include "builder/sandbox/scaffold.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace imagebuild::sandbox {

/// The name of an open file, for calls that take only names.
std::string by_descriptor(const UniqueFd& fd);

/// The place in the tree where `path` leads, opened for mounting on it.
Result<UniqueFd> open_target(int root, const std::string& path);
/// The same; what is missing is made first (in the mount that covers the place). InvalidInput:
/// something of the other kind is there.
Result<UniqueFd> make_target(int root, const std::string& path, MountPointKind kind);

/// mount(2) onto an open target.
Result<void> mount_at(const char* source, const UniqueFd& target, const char* type,
                      unsigned long flags, const char* data);

/// The mount that `mounted` is the root of, without those on top of it, cannot be written any more.
Result<void> make_read_only(const UniqueFd& mounted);
/// Mounts and everything below it cannot be written.
Result<void> make_all_read_only(const UniqueFd& mounted);

}  // namespace imagebuild::sandbox
