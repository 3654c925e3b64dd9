#include "builder/layer/copy_plan.h"

#include <fcntl.h>

#include <algorithm>

#include "common/patterns/ignore_rules.h"

namespace imagebuild::layer {

namespace {

bool has_wildcards(std::string_view path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\')
      ++i;
    else if (path[i] == '*' || path[i] == '?' || path[i] == '[')
      return true;
  }
  return false;
}

class Planner {
 public:
  Planner(int root_fd, const CopyRequest& request, const CopyHooks& hooks)
      : root_fd_(root_fd), request_(request), hooks_(hooks) {}

  Result<CopyPlan> run();
  Result<std::vector<MatchedSource>> match();

 private:
  /// A path as the ignore rules know it and as --exclude and --parents do: from the source on.
  struct Place {
    std::string path, below;
    Place child(const std::string& name) const {
      return {join_path(path, name), join_path(below, name)};
    }
  };
  struct Source {
    std::string name;
    ResolvedPath from;
  };
  Result<std::vector<std::string>> expand(const std::string& source);
  Result<void> expand_below(const std::string& directory, std::span<const std::string> rest,
                            std::vector<std::string>& matches);
  Result<ResolvedPath> follow(const std::string& path);
  Result<std::vector<Source>> find_sources();
  Result<void> add_source(const std::string& name, const ResolvedPath& from, bool into_directory);
  Result<void> add_with_parents(const std::string& source);
  Result<bool> add_tree(const Place& from, const std::string& to, bool may_exist);
  Result<void> check_replaces_nothing(const std::string& to);
  void add_made_directories(bool destination_too);
  void put(const std::string& to, PlannedEntry entry);
  /// By .dockerignore.
  bool ignored(const std::string& path, bool is_directory) const {
    return hooks_.excluded && !path.empty() && hooks_.excluded(path, is_directory);
  }
  bool ignored_whole(const std::string& directory) const {
    return ignored(directory, true) && hooks_.may_include_below &&
           !hooks_.may_include_below(directory);
  }
  /// By any of the three.
  bool excluded(const Place& place, bool is_directory) const {
    return ignored(place.path, is_directory) || excludes_.ignored(place.below) ||
           not_asked_for_.ignored(place.below);
  }
  bool skipped_whole(const Place& place) const {
    return ignored_whole(place.path) || !excludes_.may_contain_included(place.below) ||
           !not_asked_for_.may_contain_included(place.below);
  }

  int root_fd_;
  const CopyRequest& request_;
  const CopyHooks& hooks_;
  IgnoreRules excludes_;       // --exclude
  IgnoreRules not_asked_for_;  // --parents: all but what the source's pattern names
  CopyPlan plan_;
};

Result<ResolvedPath> Planner::follow(const std::string& path) {
  return resolve_path(path, [this](const std::string& at) { return node_beneath(root_fd_, at); });
}

/// Matches component by component: `*` does not cross a '/'.
Result<void> Planner::expand_below(const std::string& directory, std::span<const std::string> rest,
                                   std::vector<std::string>& matches) {
  if (rest.empty()) {
    matches.push_back(directory);
    return {};
  }
  if (!has_wildcards(rest.front()))
    return expand_below(join_path(directory, rest.front()), rest.subspan(1), matches);
  auto real = follow(directory);
  if (!real || real->kind != NodeKind::Directory) return {};
  auto fd = TRY(open_directory(root_fd_, real->path));
  for (const auto& name : TRY(list_directory(fd.get())))
    if (TRY(match_path(rest.front(), name)))
      TRY(expand_below(join_path(directory, name), rest.subspan(1), matches));
  return {};
}

Result<std::vector<std::string>> Planner::expand(const std::string& source) {
  const std::string clean = clean_path(source);
  if (request_.names || !has_wildcards(clean)) return std::vector<std::string>{clean};
  std::vector<std::string> matches;
  auto parts = components_of(clean);
  TRY(expand_below("", parts, matches));
  // A match that is excluded, dangling or gone is no match. A pattern may match nothing:
  // COPY package.json package-lock.json* ./
  std::vector<std::string> present;
  for (auto& match : matches) {
    auto real = follow(match);
    if (!real || real->kind == NodeKind::Missing || ignored_whole(real->path)) continue;
    if (real->kind != NodeKind::Directory &&
        (ignored(match, false) || ignored(real->path, false) || excludes_.ignored(name_of(match))))
      continue;
    present.push_back(std::move(match));
  }
  return present;
}

/// Puts an entry into the plan; what it cannot live beside goes.
void Planner::put(const std::string& to, PlannedEntry entry) {
  if (!entry.is_directory)
    for (auto it = plan_.upper_bound(to); it != plan_.end() && is_within(it->first, to);)
      it = plan_.erase(it);
  plan_.insert_or_assign(to, std::move(entry));
}

Result<void> Planner::check_replaces_nothing(const std::string& to) {
  if (!hooks_.existing) return {};
  const std::string path = "/" + to;
  if (TRY(hooks_.existing(path)) != DestinationKind::Other) return {};
  return fail(ErrorKind::InvalidInput,
              "cannot copy a directory onto " + path + ", which is not a directory");
}

/// Plans the content of a source directory below `to`; was there anything?
Result<bool> Planner::add_tree(const Place& from, const std::string& to, bool may_exist) {
  auto directory = TRY(open_directory(root_fd_, from.path));
  bool any = false;
  for (const auto& name : TRY(list_directory(directory.get()))) {
    const Place source = from.child(name);
    const std::string target = join_path(to, name);
    auto info = TRY(stat_at(directory.get(), name));
    if (!info || is_whiteout(*info) || S_ISSOCK(info->st_mode)) continue;
    if (!S_ISDIR(info->st_mode)) {
      if (excluded(source, false)) continue;
      put(target, {.source = source.path});
      any = true;
      continue;
    }
    if (skipped_whole(source)) continue;
    if (may_exist) TRY(check_replaces_nothing(target));
    // An excluded directory appears only as the parent of what is included again below it.
    const bool wanted = !excluded(source, true);
    if (wanted) put(target, {.source = source.path, .is_directory = true});
    const bool below = TRY(add_tree(source, target, may_exist));
    if (!wanted && below) put(target, {.source = source.path, .is_directory = true});
    any = any || wanted || below;
  }
  return any;
}

void Planner::add_made_directories(bool destination_too) {
  const CopyDestination& to = request_.destination;
  for (const auto& parent : to.missing_parents)
    plan_.try_emplace(clean_path(parent), PlannedEntry{.is_directory = true, .made = true});
  const std::string path = clean_path(to.path);
  if (destination_too && to.kind == DestinationKind::Missing && !path.empty())
    plan_.try_emplace(path, PlannedEntry{.is_directory = true, .made = true});
}

Result<void> Planner::add_source(const std::string& name, const ResolvedPath& from,
                                 bool into_directory) {
  const CopyDestination& to = request_.destination;
  const std::string base = clean_path(to.path);
  const std::string shown = name.empty() ? "." : name;
  if (from.kind == NodeKind::Missing) return fail(ErrorKind::NotFound, shown + ": not found");
  if (from.kind == NodeKind::Directory) {
    if (to.kind == DestinationKind::Other)
      return fail(ErrorKind::InvalidInput, "cannot copy the directory " + shown + " onto " +
                                               to.path + ", which is not a directory");
    if (ignored_whole(from.path))
      return fail(ErrorKind::NotFound, shown + ": not found (excluded by .dockerignore)");
    const bool any = TRY(add_tree({from.path, ""}, base, to.kind == DestinationKind::Directory));
    if (!any && ignored(from.path, true))
      return fail(ErrorKind::NotFound, shown + ": not found (excluded by .dockerignore)");
    add_made_directories(true);
    return {};
  }
  if (ignored(name, false) || ignored(from.path, false))
    return fail(ErrorKind::NotFound, shown + ": not found (excluded by .dockerignore)");
  auto info = TRY(stat_beneath(root_fd_, from.path));
  if (info && S_ISSOCK(info->st_mode))
    return fail(ErrorKind::InvalidInput, shown + ": a socket cannot be copied");
  add_made_directories(into_directory);
  // The name is the source's, also where a symlink was followed.
  put(into_directory ? join_path(base, name_of(name)) : base, {.source = from.path});
  return {};
}

/// The source's pattern is matched below the root, or below what stands before its first `/./`.
Result<void> Planner::add_with_parents(const std::string& source) {
  const CopyDestination& to = request_.destination;
  if (to.kind == DestinationKind::Other)
    return fail(ErrorKind::InvalidInput, to.path + " is not a directory");
  const auto pivot = source.find("/./");
  const std::string pattern =
      clean_path(pivot == std::string::npos ? source : source.substr(pivot));
  std::vector<std::string> roots{""};
  if (pivot != std::string::npos) roots = TRY(expand(source.substr(0, pivot)));
  if (!pattern.empty()) not_asked_for_ = TRY(IgnoreRules::from_patterns({"**", "!" + pattern}));
  bool any = false;
  for (const auto& name : roots) {
    auto root = TRY(follow(name));
    if (root.kind == NodeKind::Missing) continue;
    if (root.kind != NodeKind::Directory)
      return fail(ErrorKind::InvalidInput, root.path + ": not a directory");
    if (TRY(add_tree({root.path, ""}, clean_path(to.path), to.kind == DestinationKind::Directory)))
      any = true;
  }
  not_asked_for_ = {};
  if (!any && !has_wildcards(source)) return fail(ErrorKind::NotFound, source + ": not found");
  add_made_directories(true);
  return {};
}

Result<std::vector<MatchedSource>> Planner::match() {
  excludes_ = TRY_CONTEXT(IgnoreRules::from_patterns(request_.excludes), "--exclude");
  std::vector<MatchedSource> matches;
  for (auto& source : TRY(find_sources())) {
    MatchedSource match{source.name, source.from.path, false};
    if (source.from.kind == NodeKind::Other && !ignored(match.name, false) &&
        !ignored(match.path, false)) {
      auto info = TRY(stat_beneath(root_fd_, match.path));
      match.regular_file = info && S_ISREG(info->st_mode);
    }
    matches.push_back(std::move(match));
  }
  return matches;
}

Result<std::vector<Planner::Source>> Planner::find_sources() {
  const CopyDestination& to = request_.destination;
  const bool into_directory = to.is_directory();
  std::vector<Source> sources;
  std::size_t files = 0;
  for (const auto& written : request_.sources) {
    for (auto& name : TRY(expand(written))) {
      auto from = TRY(follow(name));
      files += from.kind == NodeKind::Directory ? 0 : 1;
      sources.push_back({std::move(name), std::move(from)});
    }
  }
  if (!into_directory && (request_.sources.size() > 1 || (files > 0 && sources.size() > 1)))
    return fail(ErrorKind::InvalidInput, "several sources: the destination " + to.path +
                                             " must be a directory and end with /");
  return sources;
}

Result<CopyPlan> Planner::run() {
  const CopyDestination& to = request_.destination;
  if (to.trailing_slash && to.kind == DestinationKind::Other)
    return fail(ErrorKind::InvalidInput, to.path + " is not a directory");
  excludes_ = TRY_CONTEXT(IgnoreRules::from_patterns(request_.excludes), "--exclude");
  if (request_.parents) {
    for (const auto& source : request_.sources) TRY_CONTEXT(add_with_parents(source), "--parents");
    return std::move(plan_);
  }
  for (const auto& source : TRY(find_sources()))
    TRY(add_source(source.name, source.from, to.is_directory()));
  return std::move(plan_);
}

}  // namespace

bool TreeOrder::operator()(std::string_view a, std::string_view b) const {
  auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (x == a.end() || y == b.end()) return x == a.end() && y != b.end();
  auto weight = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c) + 1; };
  return weight(*x) < weight(*y);
}

Result<CopyPlan> plan_copy(int root_fd, const CopyRequest& request, const CopyHooks& hooks) {
  return Planner(root_fd, request, hooks).run();
}

}  // namespace imagebuild::layer

namespace imagebuild {

Result<std::vector<MatchedSource>> match_sources(int root_fd, const CopyRequest& request,
                                                 const CopyHooks& hooks) {
  return layer::Planner(root_fd, request, hooks).match();
}

}  // namespace imagebuild
