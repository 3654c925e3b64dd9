#include "builder/layer/unpack_paths.h"

#include <fcntl.h>

#include <cerrno>

namespace imagebuild::layer {

/// A missing parent becomes a directory. One that this layer whited out does too, hiding what is
/// below: whiteout and new content together are an opaque directory.
Result<Node> UnpackPaths::look_or_make(const std::string& path) {
  Node node = TRY(node_beneath(root_fd_, path));
  if (node.kind != NodeKind::Missing) return node;
  auto parent = TRY(open_beneath(root_fd_, std::string(parent_of(path)), O_PATH | O_DIRECTORY));
  const std::string name(name_of(path));
  auto whiteout = TRY(stat_at(parent.get(), name));
  if (whiteout && ::unlinkat(parent.get(), name.c_str(), 0) != 0) return errno_error(path);
  if (::mkdirat(parent.get(), name.c_str(), 0755) != 0) return errno_error(path);
  // mkdir's mode went through the umask.
  if (::fchmodat(parent.get(), name.c_str(), 0755, 0) != 0) return errno_error(path);
  if (whiteout) {
    auto made = TRY(open_directory(parent.get(), name));
    TRY(make_opaque(made.get()));
  }
  implied_.insert(path);
  return Node{NodeKind::Directory, ""};
}

Result<std::string> UnpackPaths::directory(const std::string& path) {
  auto resolved =
      TRY(resolve_path(path, [this](const std::string& at) { return look_or_make(at); }));
  if (resolved.kind != NodeKind::Directory)
    return fail(ErrorKind::InvalidInput, resolved.path + " is not a directory");
  return resolved.path;
}

Result<Place> UnpackPaths::place(const std::string& path) {
  const std::string parent(parent_of(path));
  Place place;
  place.name = std::string(name_of(path));
  if (!opened_ || opened_path_ != parent) {
    opened_.reset();
    opened_path_ = parent;
    auto direct = open_beneath(root_fd_, parent, O_PATH | O_DIRECTORY);
    if (direct) {
      opened_ = std::move(*direct);
    } else {
      opened_path_ = TRY(directory(parent));
      opened_ = TRY(open_beneath(root_fd_, opened_path_, O_PATH | O_DIRECTORY));
    }
  }
  place.parent_fd = opened_.get();
  place.path = join_path(opened_path_, place.name);
  return place;
}

Result<std::string> UnpackPaths::canonical_existing(const std::string& path) {
  auto parent = TRY(resolve_path(
      parent_of(path), [this](const std::string& at) { return node_beneath(root_fd_, at); }));
  if (parent.kind != NodeKind::Directory) return fail(ErrorKind::NotFound, path);
  return join_path(parent.path, name_of(path));
}

}  // namespace imagebuild::layer
