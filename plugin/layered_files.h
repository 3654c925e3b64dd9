// LayeredFiles: which files a pile of layers shows and which it hides, by size. Layers are fed
// entry by entry, bottom first; whiteouts (OCI image-spec, layer.md) remove what lower layers have,
// and a later file replaces an earlier one. Pure; memory grows with the number of paths up to a
// limit, beyond it paths are summed up by directory.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/archive/tar.h"

namespace imagebuild::plugin {

struct FileSize {
  std::uint64_t bytes = 0;
  std::size_t layer = 0;  ///< the one that has these bytes
  bool directory = false;
};

class LayeredFiles {
 public:
  explicit LayeredFiles(std::size_t max_paths = 1'000'000) : max_paths_(max_paths) {}

  /// The entries that follow belong to this layer; numbers grow.
  void begin_layer(std::size_t layer) { layer_ = layer; }
  void add(const TarEntry& entry);

  /// Path without a leading "/" → what a container sees.
  const std::map<std::string, FileSize>& visible() const { return visible_; }
  /// What is transferred and stored all the same, though later layers overwrite or remove it.
  const std::map<std::string, FileSize>& hidden() const { return hidden_; }
  /// Paths that whiteouts remove and no layer fed so far has: they lie in layers below (1,000 at
  /// most).
  const std::set<std::string>& removed_below() const { return removed_below_; }
  /// How many entries were summed up by directory ("usr/lib/…") because of the limit.
  std::size_t folded() const { return folded_; }

 private:
  void put(const std::string& path, const TarEntry& entry);
  /// Hides what lower layers have below `path`, and at it if `itself`.
  /// False: there was nothing.
  bool hide(const std::string& path, bool itself);
  void white_out(const std::string& path);
  void hide_one(std::map<std::string, FileSize>::iterator at);
  void count_into(std::map<std::string, FileSize>& files, const std::string& path,
                  std::uint64_t bytes, std::size_t layer);

  const std::size_t max_paths_;
  std::size_t layer_ = 0;
  std::size_t folded_ = 0;
  std::set<std::string> removed_below_;
  std::map<std::string, FileSize> visible_, hidden_;
};

/// A path of an archive as it is compared: no leading "/" or "./", no empty or "." components;
/// "" for the root and for paths with "..".
std::string clean_path(std::string_view path);

}  // namespace imagebuild::plugin
