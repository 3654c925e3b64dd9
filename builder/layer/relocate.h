// Private to settle: moving what a layer unpacked below `lib` to `usr/lib`, because in the layers
// below `lib` is a symlink.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "builder/layer/merged_view.h"

namespace imagebuild::layer {

/// Owner, mode, attributes and times of a directory of a lower layer, or 0755, root, time 0.
Result<void> adopt_metadata(int layer_fd, const std::string& path, std::span<const int> lowers,
                            bool keep_owner);
/// Copies owner, mode, attributes and times from one name to another of the same type.
Result<void> copy_metadata(int from_parent, const std::string& from, int to_parent,
                           const std::string& to, bool keep_owner);

class Relocations {
 public:
  Relocations(int layer_fd, std::span<const int> lowers, bool keep_owner);

  /// Moves the content of the layer's directory `path`, which is a symlink below,
  /// to the link's target.
  Result<void> move(const std::string& path);
  /// Where a path of the unpacked layer is by now.
  std::string current(std::string path) const;
  /// Was the directory merged into one that has its metadata already?
  bool merged(const std::string& path) const { return merged_.count(path) != 0; }

 private:
  Result<void> ensure_directory(const std::string& path);
  Result<void> merge(const std::string& from, const std::string& to);

  int layer_fd_;
  std::span<const int> lowers_;
  bool keep_owner_;
  std::vector<std::pair<std::string, std::string>> moves_;  // in the order they were made
  std::set<std::string> merged_;
};

}  // namespace imagebuild::layer
