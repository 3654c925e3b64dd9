#include "plugin/path_changes.h"

#include <algorithm>
#include <map>
#include <span>

namespace imagebuild::plugin {
namespace {

constexpr std::size_t kOpened = 4;      // a directory is opened when this many of its entries …
constexpr std::uint64_t kCovered = 90;  // … make up this percentage of its change

struct Leaf {
  std::string path;
  std::int64_t delta = 0;
  PathChange::Kind kind = PathChange::Kind::Grew;
  std::size_t layer = 0;

  std::uint64_t moved() const { return static_cast<std::uint64_t>(delta < 0 ? -delta : delta); }
};
using Leaves = std::span<const Leaf>;

std::vector<Leaf> leaves_of(const std::map<std::string, FileSize>& before,
                            const std::map<std::string, FileSize>& after) {
  std::vector<Leaf> leaves;
  auto push = [&](const std::string& path, const FileSize* from, const FileSize* to) {
    const auto old_bytes = static_cast<std::int64_t>(from == nullptr ? 0 : from->bytes);
    const auto new_bytes = static_cast<std::int64_t>(to == nullptr ? 0 : to->bytes);
    if (old_bytes == new_bytes) return;
    const auto kind = from == nullptr         ? PathChange::Kind::Added
                      : to == nullptr         ? PathChange::Kind::Removed
                      : new_bytes > old_bytes ? PathChange::Kind::Grew
                                              : PathChange::Kind::Shrank;
    leaves.push_back({path, new_bytes - old_bytes, kind, to == nullptr ? from->layer : to->layer});
  };
  auto a = before.begin();
  auto b = after.begin();
  while (a != before.end() || b != after.end()) {
    if (b == after.end() || (a != before.end() && a->first < b->first)) {
      push(a->first, &a->second, nullptr);
      ++a;
    } else if (a == before.end() || b->first < a->first) {
      push(b->first, nullptr, &b->second);
      ++b;
    } else {
      push(a->first, &a->second, &b->second);
      ++a, ++b;
    }
  }
  return leaves;
}

std::uint64_t moved(Leaves leaves) {
  std::uint64_t sum = 0;
  for (const Leaf& leaf : leaves) sum += leaf.moved();
  return sum;
}

class Summary {
 public:
  Summary(bool hidden, std::vector<PathChange>& rows) : hidden_(hidden), rows_(rows) {}

  /// `leaves` all start with `prefix`, which is "" or ends in "/".
  void open(Leaves leaves, const std::string& prefix) {
    if (leaves.empty()) return;
    std::vector<Leaves> groups = split(leaves, prefix.size());
    std::stable_sort(groups.begin(), groups.end(),
                     [](Leaves a, Leaves b) { return moved(a) > moved(b); });
    const std::uint64_t wanted = moved(leaves) / 100 * kCovered;
    std::size_t count = 0;
    for (std::uint64_t covered = 0; count < groups.size() && covered < wanted; ++count)
      covered += moved(groups[count]);
    if (prefix.empty())
      count = groups.size();
    else if (count > kOpened || count == 0)
      return row({leaves}, prefix, false);
    for (std::size_t i = 0; i < count; ++i) enter(groups[i], prefix);
    row({groups.begin() + static_cast<std::ptrdiff_t>(count), groups.end()}, prefix, true);
  }

 private:
  /// One group for each entry of the directory.
  static std::vector<Leaves> split(Leaves leaves, std::size_t prefix) {
    std::vector<Leaves> groups;
    for (std::size_t start = 0; start < leaves.size();) {
      const std::string& first = leaves[start].path;
      const std::size_t slash = first.find('/', prefix);
      std::size_t end = start + 1;
      if (slash != std::string::npos) {
        const std::string_view directory = std::string_view(first).substr(0, slash + 1);
        while (end < leaves.size() && leaves[end].path.starts_with(directory)) ++end;
      }
      groups.push_back(leaves.subspan(start, end - start));
      start = end;
    }
    return groups;
  }

  void enter(Leaves group, const std::string& prefix) {
    const std::string& first = group.front().path;
    const std::size_t slash = first.find('/', prefix.size());
    if (group.size() == 1 || slash == std::string::npos) return row({group}, first, false);
    open(group, first.substr(0, slash + 1));
  }

  void row(const std::vector<Leaves>& groups, const std::string& path, bool rest) {
    PathChange change{.path = "/" + path, .files = 0, .rest = rest, .hidden = hidden_};
    std::map<std::pair<bool, std::size_t>, std::uint64_t> by_layer;
    std::map<PathChange::Kind, std::size_t> kinds;
    for (Leaves group : groups)
      for (const Leaf& leaf : group) {
        ++change.files;
        change.delta += leaf.delta;
        change.moved += leaf.moved();
        ++kinds[leaf.kind];
        by_layer[{leaf.kind != PathChange::Kind::Removed, leaf.layer}] += leaf.moved();
      }
    if (change.files == 0) return;
    if (rest && change.files == 1) {  // a rest of one file has a name
      for (Leaves group : groups) change.path = "/" + group.front().path;
      change.rest = false;
    }
    change.kind = kinds.size() == 1  ? kinds.begin()->first
                  : change.delta < 0 ? PathChange::Kind::Shrank
                                     : PathChange::Kind::Grew;
    const auto most =
        std::max_element(by_layer.begin(), by_layer.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    change.of_new = most->first.first;
    change.layer = most->first.second;
    rows_.push_back(std::move(change));
  }

  const bool hidden_;
  std::vector<PathChange>& rows_;
};

std::int64_t sum_of(const std::vector<Leaf>& leaves) {
  std::int64_t sum = 0;
  for (const Leaf& leaf : leaves) sum += leaf.delta;
  return sum;
}

}  // namespace

PathChanges compare_files(const LayeredFiles& before, const LayeredFiles& after, std::size_t top) {
  PathChanges result;
  const auto visible = leaves_of(before.visible(), after.visible());
  const auto hidden = leaves_of(before.hidden(), after.hidden());
  result.visible_delta = sum_of(visible);
  result.hidden_delta = sum_of(hidden);
  Summary(false, result.rows).open(visible, "");
  Summary(true, result.rows).open(hidden, "");
  auto size = [](std::int64_t delta) { return delta < 0 ? -delta : delta; };
  std::stable_sort(result.rows.begin(), result.rows.end(),
                   [&](const PathChange& a, const PathChange& b) {
                     if (size(a.delta) != size(b.delta)) return size(a.delta) > size(b.delta);
                     return a.moved > b.moved;
                   });
  while (result.rows.size() > top) {
    ++result.more;
    result.more_delta += result.rows.back().delta;
    result.rows.pop_back();
  }
  return result;
}

}  // namespace imagebuild::plugin
