// Private to unpack: where an entry's path lands inside the layer, and the directories that had to
// be made for it.
#pragma once

#include <set>
#include <string>

#include "builder/layer/node.h"

namespace imagebuild::layer {

/// An opened parent directory and a name in it. `parent_fd` stays valid until the next place().
struct Place {
  int parent_fd = -1;
  std::string name;
  std::string path;  // clean, without symlinks in its parents
};

class UnpackPaths {
 public:
  explicit UnpackPaths(int root_fd) : root_fd_(root_fd) {}

  /// The place of a clean, non-empty path; parents are made where they are missing,
  /// symlinked ones followed.
  Result<Place> place(const std::string& path);
  /// The same for something that must exist already; Missing gives NotFound.
  Result<std::string> canonical_existing(const std::string& path);
  /// Opens a directory at a clean path, making it (implied) if missing; its canonical path.
  Result<std::string> directory(const std::string& path);

  /// The tar named this directory itself.
  void named(const std::string& path) { implied_.erase(path); }
  const std::set<std::string>& implied() const { return implied_; }

 private:
  Result<Node> look_or_make(const std::string& path);

  int root_fd_;
  std::string opened_path_;  // canonical path and descriptor of the last parent:
                             // tars are mostly in tree order
  UniqueFd opened_;
  std::set<std::string> implied_;
};

}  // namespace imagebuild::layer
