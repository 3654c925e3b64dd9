#include "builder/layer/usage.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "builder/layer/copy.h"
#include "builder/layer/node.h"
#include "builder/layer/unchanged.h"

namespace imagebuild {

using namespace layer;

namespace {

using LayerIndex = std::size_t;

/// The directory of one path in one layer.
struct Place {
  LayerIndex layer;
  UniqueFd directory;
  std::optional<LayerIndex> hidden_by;
};

/// One layer's node of one name.
struct Version {
  const Place* place;
  struct stat info;
  std::optional<LayerIndex> hidden_by;
  bool dropped = false;  ///< copied up and unchanged: not in the layer
};

/// A file with several names.
struct Inode {
  std::uint64_t bytes = 0;
  bool visible = false;
  LayerIndex hidden_by = 0;  ///< the last that hid a name
};

class Surveyor {
 public:
  Surveyor(const std::vector<UsageLayer>& layers, const UsageOptions& options)
      : layers_(layers), options_(options) {
    usage_.layers.resize(layers.size());
  }

  Result<ImageUsage> survey() {
    std::vector<Place> roots;
    for (LayerIndex i = 0; i < layers_.size(); ++i)
      roots.push_back({i, TRY(duplicate(layers_[i].root_fd)), std::nullopt});
    TRY(walk(roots, "", std::nullopt));
    for (const auto& [key, inode] : inodes_)
      if (!inode.visible) hide(std::get<0>(key), inode.hidden_by, inode.bytes);
    std::sort(usage_.largest.begin(), usage_.largest.end(), larger);
    return std::move(usage_);
  }

 private:
  using Watch = std::optional<std::size_t>;

  Result<void> walk(const std::vector<Place>& places, const std::string& path, Watch watch);
  Result<void> visit(std::vector<Version>& versions, const std::string& name,
                     const std::string& path, Watch watch);
  Result<void> find_hiders(std::vector<Version>& versions, const std::string& name,
                           const std::string& path);
  Result<bool> is_dropped(const Version& upper, const Version& lower, const std::string& name,
                          const std::string& path);
  Result<bool> replaces(const Version& above, const Version& below, const std::string& name);
  void count(const Version& version, const std::string& path, Watch watch);
  void hide(LayerIndex layer, LayerIndex by, std::uint64_t bytes);
  void see(LayerIndex layer, const std::string& path, std::uint64_t bytes, Watch watch);
  Watch watch_of(const std::string& path, Watch parent) const;

  static bool larger(const LargeFile& a, const LargeFile& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.path < b.path;
  }

  const std::vector<UsageLayer>& layers_;
  const UsageOptions& options_;
  ImageUsage usage_;
  std::map<std::tuple<LayerIndex, dev_t, ino_t>, Inode> inodes_;
};

Result<void> Surveyor::walk(const std::vector<Place>& places, const std::string& path,
                            Watch watch) {
  std::map<std::string, std::vector<Version>> names;
  for (const Place& place : places)
    for (const auto& name : TRY_CONTEXT(list_directory(place.directory.get()), path)) {
      auto info = TRY_CONTEXT(stat_at(place.directory.get(), name), path);
      if (info) names[name].push_back({&place, *info, place.hidden_by});
    }
  for (auto& [name, versions] : names) TRY(visit(versions, name, join_path(path, name), watch));
  return {};
}

/// Does the node above take the place of the one below, so that nothing of it is seen?
Result<bool> Surveyor::replaces(const Version& above, const Version& below,
                                const std::string& name) {
  if (!S_ISDIR(above.info.st_mode) || !S_ISDIR(below.info.st_mode)) return true;
  auto directory = TRY(open_directory(above.place->directory.get(), name));
  return is_opaque(directory.get());
}

/// As the diff decides it; a file with several names is always in the layer.
Result<bool> Surveyor::is_dropped(const Version& upper, const Version& lower,
                                  const std::string& name, const std::string& path) {
  const bool candidate = layers_[upper.place->layer].from_upper && S_ISREG(upper.info.st_mode) &&
                         S_ISREG(lower.info.st_mode) && upper.info.st_nlink == 1 &&
                         upper.info.st_size == lower.info.st_size &&
                         mtime_of(upper.info) == mtime_of(lower.info);
  if (!candidate) return false;
  if (lower.place->hidden_by && *lower.place->hidden_by <= upper.place->layer) return false;
  const int directory = upper.place->directory.get();
  auto entry = TRY(entry_of(directory, name, upper.info, path));
  return entry && TRY(is_unchanged(directory, lower.place->directory.get(), name, *entry));
}

Result<void> Surveyor::find_hiders(std::vector<Version>& versions, const std::string& name,
                                   const std::string& path) {
  for (std::size_t above = 1; above < versions.size(); ++above)
    versions[above].dropped =
        TRY_CONTEXT(is_dropped(versions[above], versions[above - 1], name, path), path);
  for (std::size_t below = 0; below + 1 < versions.size(); ++below) {
    Version& lower = versions[below];
    for (std::size_t above = below + 1; above < versions.size(); ++above) {
      const LayerIndex layer = versions[above].place->layer;
      if (lower.hidden_by && *lower.hidden_by <= layer) break;  // hidden before
      if (versions[above].dropped) continue;
      if (!TRY_CONTEXT(replaces(versions[above], lower, name), path)) continue;
      lower.hidden_by = layer;
      break;
    }
  }
  return {};
}

Result<void> Surveyor::visit(std::vector<Version>& versions, const std::string& name,
                             const std::string& path, Watch watch) {
  TRY(find_hiders(versions, name, path));
  std::vector<Place> directories;
  for (const Version& version : versions) {
    if (version.dropped || is_whiteout(version.info)) continue;
    if (S_ISDIR(version.info.st_mode))
      directories.push_back(
          {version.place->layer,
           TRY_CONTEXT(open_directory(version.place->directory.get(), name), path),
           version.hidden_by});
    else if (S_ISREG(version.info.st_mode))
      count(version, path, watch);
  }
  return directories.empty() ? Result<void>() : walk(directories, path, watch_of(path, watch));
}

void Surveyor::count(const Version& version, const std::string& path, Watch watch) {
  const LayerIndex layer = version.place->layer;
  const auto bytes = static_cast<std::uint64_t>(version.info.st_size);
  if (bytes == 0) return;
  if (version.info.st_nlink == 1) {
    if (version.hidden_by)
      hide(layer, *version.hidden_by, bytes);
    else
      see(layer, path, bytes, watch);
    return;
  }
  Inode& inode = inodes_[{layer, version.info.st_dev, version.info.st_ino}];
  inode.bytes = bytes;
  if (version.hidden_by) {
    inode.hidden_by = std::max(inode.hidden_by, *version.hidden_by);
  } else if (!inode.visible) {
    inode.visible = true;
    see(layer, path, bytes, watch);
  }
}

void Surveyor::hide(LayerIndex layer, LayerIndex by, std::uint64_t bytes) {
  usage_.layers[layer].hidden += bytes;
  usage_.layers[layer].hidden_by[by] += bytes;
}

void Surveyor::see(LayerIndex layer, const std::string& path, std::uint64_t bytes, Watch watch) {
  if (watch) usage_.layers[layer].watched[*watch] += bytes;
  if (options_.largest == 0) return;
  auto& heap = usage_.largest;  // the smallest of the largest in front
  LargeFile file{path, bytes, layer};
  if (heap.size() == options_.largest) {
    if (!larger(file, heap.front())) return;
    std::pop_heap(heap.begin(), heap.end(), larger);
    heap.pop_back();
  }
  heap.push_back(std::move(file));
  std::push_heap(heap.begin(), heap.end(), larger);
}

Surveyor::Watch Surveyor::watch_of(const std::string& path, Watch parent) const {
  if (parent) return parent;
  for (std::size_t i = 0; i < options_.watched.size(); ++i) {
    auto matches = match_path(options_.watched[i], path);
    if (matches && *matches) return i;
  }
  return std::nullopt;
}

}  // namespace

Result<ImageUsage> measure_usage(const std::vector<UsageLayer>& layers,
                                 const UsageOptions& options) {
  return Surveyor(layers, options).survey().context("measure the layers");
}

}  // namespace imagebuild
