#include "builder/layer/diff.h"

#include <fcntl.h>

#include <map>
#include <utility>
#include <vector>

#include "builder/layer/node.h"
#include "builder/layer/path.h"
#include "builder/layer/unchanged.h"

namespace imagebuild {

using namespace layer;

namespace {

class Differ {
 public:
  Differ(const DiffOptions& options, TarWriter& tar) : options_(options), tar_(tar) {}

  Result<void> walk(int upper, int lower, const std::string& path);
  const DiffSummary& summary() const { return summary_; }

 private:
  Result<void> visit(int upper, int lower, const std::string& name, const std::string& path);
  Result<void> visit_directory(int upper, int lower, const std::string& name, TarEntry entry);
  Result<void> whiteout(int lower, const std::string& name, const std::string& path);
  Result<void> emit_pending();
  Result<void> emit(TarEntry entry);

  const DiffOptions& options_;
  TarWriter& tar_;
  DiffSummary summary_;
  std::vector<TarEntry> pending_;  // parents that overlayfs only copied up: written when a child is
  std::map<std::pair<dev_t, ino_t>, std::string> first_names_;
};

Result<void> Differ::emit(TarEntry entry) {
  TRY(check_layer_name(entry.path));
  if (options_.clamp_mtime && entry.mtime > Timestamp{*options_.clamp_mtime, 0})
    entry.mtime = {*options_.clamp_mtime, 0};
  TRY(tar_.begin(entry));
  ++summary_.entries;
  summary_.bytes += entry.size;
  return {};
}

Result<void> Differ::emit_pending() {
  for (auto& parent : pending_) TRY(emit(std::move(parent)));
  pending_.clear();
  return {};
}

Result<void> Differ::whiteout(int lower, const std::string& name, const std::string& path) {
  if (lower < 0 || !TRY(stat_at(lower, name))) return {};
  TRY(emit_pending());
  TarEntry entry{.path = join_path(parent_of(path), ".wh." + name), .mode = 0};
  ++summary_.whiteouts;
  return tar_.begin(entry);
}

Result<void> Differ::visit_directory(int upper, int lower, const std::string& name,
                                     TarEntry entry) {
  const std::string path = entry.path;
  auto directory = TRY_CONTEXT(open_directory(upper, name), path);
  UniqueFd below;
  if (lower >= 0) {
    auto info = TRY(stat_at(lower, name));
    if (info && S_ISDIR(info->st_mode)) below = TRY_CONTEXT(open_directory(lower, name), path);
  }
  const bool opaque = below && is_opaque(directory.get());
  const bool copied_up = below && !opaque && TRY(is_unchanged(upper, lower, name, entry));
  if (!copied_up) TRY(emit_pending());
  if (copied_up)
    pending_.push_back(std::move(entry));
  else
    TRY(emit(std::move(entry)));
  if (opaque) {
    ++summary_.whiteouts;
    TRY(tar_.begin({.path = path + "/.wh..wh..opq", .mode = 0}));
    below.reset();
  }
  TRY(walk(directory.get(), below.get(), path));
  // Still pending: nothing below was written.
  if (!pending_.empty() && pending_.back().path == path) pending_.pop_back();
  return {};
}

Result<void> Differ::visit(int upper, int lower, const std::string& name, const std::string& path) {
  auto info = TRY_CONTEXT(stat_at(upper, name), path);
  if (!info) return {};
  if (is_whiteout(*info)) return whiteout(lower, name, path);
  auto entry = TRY(entry_of(upper, name, *info, path));
  if (!entry) return {};  // a socket: nothing of an image
  if (entry->type == EntryType::Directory)
    return visit_directory(upper, lower, name, std::move(*entry));
  const bool linked = info->st_nlink > 1;
  if (!linked && TRY(is_unchanged(upper, lower, name, *entry))) return {};
  TRY(emit_pending());
  if (linked) {
    auto [first, is_first] = first_names_.try_emplace({info->st_dev, info->st_ino}, path);
    if (!is_first) {
      entry->type = EntryType::HardLink;
      entry->link_target = first->second;
      entry->size = 0;
      entry->xattrs.clear();
    }
  }
  TRY(emit(*entry));
  return entry->type == EntryType::Regular ? write_content(upper, name, *entry, tar_, nullptr)
                                           : Result<void>();
}

Result<void> Differ::walk(int upper, int lower, const std::string& path) {
  for (const auto& name : TRY_CONTEXT(list_directory(upper), path))
    TRY(visit(upper, lower, name, join_path(path, name)));
  return {};
}

}  // namespace

Result<DiffSummary> diff_upper(int upper_fd, int lower_root_fd, const DiffOptions& options,
                               TarWriter& tar) {
  Differ differ(options, tar);
  TRY_CONTEXT(differ.walk(upper_fd, lower_root_fd, ""), "diff");
  return differ.summary();
}

}  // namespace imagebuild
