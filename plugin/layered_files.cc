#include "plugin/layered_files.h"

namespace imagebuild::plugin {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::size_t kMaxRemovedBelow = 1000;
constexpr std::string_view kReserved = ".wh..wh.";  // aufs's own files: no content of the image

/// Its own or a directory's name is one of them.
bool is_reserved(const std::string& path) {
  if (path == kOpaque || path.ends_with("/" + std::string(kOpaque))) return false;
  return path.starts_with(kReserved) || path.find("/" + std::string(kReserved)) != path.npos;
}

/// "usr/lib/…" of "usr/lib/python3/x.py".
std::string folded_path(const std::string& path) {
  std::size_t end = path.find('/');
  if (end != std::string::npos) end = path.find('/', end + 1);
  return (end == std::string::npos ? "" : path.substr(0, end + 1)) + "…";
}

}  // namespace

std::string clean_path(std::string_view path) {
  std::string result;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") return "";
    if (!result.empty()) result += '/';
    result += part;
  }
  return result;
}

void LayeredFiles::add(const TarEntry& entry) {
  const std::string path = clean_path(entry.path);
  if (path.empty() || is_reserved(path)) return;
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (name == kOpaque) return static_cast<void>(hide(parent, false));
  if (name.starts_with(kWhiteout))
    return white_out((parent.empty() ? "" : parent + "/") + name.substr(kWhiteout.size()));
  put(path, entry);
}

void LayeredFiles::white_out(const std::string& path) {
  if (!hide(path, true) && removed_below_.size() < kMaxRemovedBelow) removed_below_.insert(path);
}

void LayeredFiles::put(const std::string& path, const TarEntry& entry) {
  const bool directory = entry.type == EntryType::Directory;
  auto found = visible_.find(path);
  if (found != visible_.end()) {
    // A directory that is listed again keeps what is in it; anything else replaces it all.
    if (!(directory && found->second.directory)) {
      if (!directory) hide(path, false);
      count_into(hidden_, path, found->second.bytes, found->second.layer);
    }
    found->second = {entry.size, layer_, directory};
    return;
  }
  if (visible_.size() >= max_paths_) return count_into(visible_, path, entry.size, layer_);
  visible_[path] = {entry.size, layer_, directory};
}

void LayeredFiles::count_into(std::map<std::string, FileSize>& files, const std::string& path,
                              std::uint64_t bytes, std::size_t layer) {
  if (bytes == 0 && &files == &hidden_) return;
  auto found = files.find(path);
  if (found == files.end() && files.size() >= max_paths_) {
    ++folded_;
    found = files.try_emplace(folded_path(path)).first;
  } else if (found == files.end()) {
    found = files.try_emplace(path).first;
  }
  found->second.bytes += bytes;
  found->second.layer = layer;
}

void LayeredFiles::hide_one(std::map<std::string, FileSize>::iterator at) {
  count_into(hidden_, at->first, at->second.bytes, at->second.layer);
}

bool LayeredFiles::hide(const std::string& path, bool itself) {
  bool any = false;
  if (itself) {
    if (auto found = visible_.find(path); found != visible_.end() && found->second.layer < layer_) {
      hide_one(found);
      visible_.erase(found);
      any = true;
    }
  }
  // Everything below: the keys between "path/" and "path0", '0' being the character after '/'.
  auto at = path.empty() ? visible_.begin() : visible_.lower_bound(path + "/");
  const auto end = path.empty() ? visible_.end() : visible_.lower_bound(path + "0");
  while (at != end) {
    if (at->second.layer >= layer_) {
      ++at;
      continue;
    }
    hide_one(at);
    at = visible_.erase(at);
    any = true;
  }
  return any;
}

}  // namespace imagebuild::plugin
