#include "builder/layer/path.h"

#include <deque>

namespace imagebuild::layer {

Result<void> check_layer_name(std::string_view path) {
  if (!name_of(path).starts_with(".wh.")) return {};
  return fail(ErrorKind::InvalidInput, "/" + std::string(path) +
                                           ": image layers cannot hold a file whose name starts "
                                           "with '.wh.'; rename or remove it");
}

std::vector<std::string> components_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    std::size_t slash = std::min(path.find('/'), path.size());
    std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string path;
  for (const auto& part : parts) path = join_path(path, part);
  return path;
}

}  // namespace

std::string clean_path(std::string_view path) {
  std::vector<std::string> clean;
  for (auto& part : components_of(path)) {
    if (part != "..")
      clean.push_back(std::move(part));
    else if (!clean.empty())
      clean.pop_back();
  }
  return joined(clean);
}

std::string join_path(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  if (name.empty()) return std::string(directory);
  return std::string(directory) + "/" + std::string(name);
}

std::string_view parent_of(std::string_view path) {
  std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
  std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_within(std::string_view path, std::string_view directory) {
  if (directory.empty() || path == directory) return true;
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

Result<ResolvedPath> resolve_path(std::string_view path, const Lookup& lookup) {
  constexpr int kMaxLinks = 40;  // the kernel's own limit
  auto parts = components_of(path);
  std::deque<std::string> todo(parts.begin(), parts.end());
  std::vector<std::string> done;
  int links = 0;
  NodeKind kind = NodeKind::Directory;
  while (!todo.empty()) {
    std::string part = std::move(todo.front());
    todo.pop_front();
    if (part == "..") {
      if (!done.empty()) done.pop_back();
      continue;
    }
    done.push_back(std::move(part));
    std::string here = joined(done);
    Node node = TRY(lookup(here));
    kind = node.kind;
    if (kind == NodeKind::Missing) {
      for (auto& rest : todo) done.push_back(std::move(rest));
      return ResolvedPath{clean_path(joined(done)), kind};
    }
    if (kind == NodeKind::Symlink) {
      if (++links > kMaxLinks)
        return fail(ErrorKind::InvalidInput,
                    std::string(path) + ": too many levels of symbolic links");
      done.pop_back();
      if (node.link.starts_with('/')) done.clear();
      auto target = components_of(node.link);
      todo.insert(todo.begin(), target.begin(), target.end());
      kind = NodeKind::Directory;  // of an empty rest: a link to "/" or "."
    }
    if (kind == NodeKind::Other && !todo.empty())
      return fail(ErrorKind::InvalidInput, std::string(path) + ": " + here + " is not a directory");
  }
  return ResolvedPath{joined(done), kind};
}

}  // namespace imagebuild::layer
