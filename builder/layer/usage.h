// What the layers of an image hold, looked at together: bytes of a layer that a later one hides and
// that the image carries all the same, the largest files that can be seen, and what lies in places
// that one watches (package managers' caches, build tools).
//
// Sizes are those of files, uncompressed. A file with several names counts once, and as hidden only
// when all its names are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace imagebuild {

/// A layer's directory as the tree worker keeps it (overlayfs' whiteouts and opaque directories).
struct UsageLayer {
  int root_fd = -1;
  /// An overlay's upper directory: a file that is there and did not change is not in the layer.
  bool from_upper = false;
};

struct UsageOptions {
  /// Clean patterns of directories, "*" for one component: "home/*/.npm".
  /// The first that matches counts.
  std::vector<std::string> watched;
  std::size_t largest = 10;  ///< how many files to name
};

struct LayerUsage {
  std::uint64_t hidden = 0;                        ///< bytes that later layers hide
  std::map<std::size_t, std::uint64_t> hidden_by;  ///< of these, by the layer that hides them
  std::map<std::size_t, std::uint64_t> watched;    ///< visible bytes, by index of the pattern
};

struct LargeFile {
  std::string path;  ///< clean, as it is seen in the image
  std::uint64_t bytes = 0;
  std::size_t layer = 0;
};

struct ImageUsage {
  std::vector<LayerUsage> layers;  ///< as the layers were given, bottom first
  std::vector<LargeFile> largest;  ///< largest first
};

Result<ImageUsage> measure_usage(const std::vector<UsageLayer>& layers,
                                 const UsageOptions& options);

}  // namespace imagebuild
