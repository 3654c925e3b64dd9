#include "builder/layer/copy.h"

#include <fcntl.h>

#include <map>
#include <utility>

#include "builder/layer/copy_plan.h"
#include "builder/layer/path.h"

namespace imagebuild {

using namespace layer;

namespace {

class Copier {
 public:
  Copier(int root_fd, const CopyRequest& request, TarWriter& tar)
      : root_fd_(root_fd), request_(request), tar_(tar) {}

  Result<void> copy(const std::string& to, const PlannedEntry& planned);
  CopySummary finish() {
    summary_.content_hash = hash_.finish_hex();
    return std::move(summary_);
  }

 private:
  Result<void> made_directory(const std::string& to);
  Result<void> begin(const TarEntry& entry);
  void hash_entry(const TarEntry& entry);

  int root_fd_;
  const CopyRequest& request_;
  TarWriter& tar_;
  CopySummary summary_;
  Sha256 hash_;
  std::map<std::pair<dev_t, ino_t>, std::string> first_names_;
};

/// Everything that makes the layer what it is, except times. The content follows,
/// `size` bytes long.
void Copier::hash_entry(const TarEntry& entry) {
  hash_.update_part(entry.path);
  hash_.update_part(to_string(entry.type));
  hash_.update_part(entry.link_target);
  for (std::uint64_t number :
       {std::uint64_t{entry.mode}, std::uint64_t{entry.uid}, std::uint64_t{entry.gid},
        std::uint64_t{entry.device_major}, std::uint64_t{entry.device_minor},
        std::uint64_t{entry.xattrs.size()}, entry.size})
    hash_.update_part(std::to_string(number));
  for (const auto& [name, value] : entry.xattrs) {
    hash_.update_part(name);
    hash_.update_part(value);
  }
}

Result<void> Copier::begin(const TarEntry& entry) {
  TRY(check_layer_name(entry.path));
  hash_entry(entry);
  ++summary_.entries;
  if (entry.type != EntryType::Directory) ++summary_.files;
  summary_.bytes += entry.size;
  return tar_.begin(entry);
}

Result<void> Copier::made_directory(const std::string& to) {
  return begin({.path = to,
                .type = EntryType::Directory,
                .mode = request_.chmod ? request_.chmod->octal().value_or(0755) & 0777 : 0755,
                .uid = request_.owner.uid,
                .gid = request_.owner.gid,
                .mtime = {request_.mtime.value_or(0), 0}});
}

Result<void> Copier::copy(const std::string& to, const PlannedEntry& planned) {
  if (planned.made) return made_directory(to);
  auto parent =
      TRY(open_beneath(root_fd_, std::string(parent_of(planned.source)), O_PATH | O_DIRECTORY));
  const std::string name(name_of(planned.source));
  auto info = TRY(stat_at(parent.get(), name));
  if (!info) return fail(ErrorKind::Transient, planned.source + ": vanished while it was copied");
  auto entry = TRY(entry_of(parent.get(), name, *info, to));
  if (!entry || (entry->type == EntryType::Directory) != planned.is_directory)
    return fail(ErrorKind::Transient, planned.source + ": changed while it was copied");
  entry->uid = request_.owner.uid;
  entry->gid = request_.owner.gid;
  if (request_.chmod && entry->type != EntryType::Symlink)
    entry->mode = request_.chmod->apply(entry->mode, planned.is_directory);
  if (request_.mtime) entry->mtime = {*request_.mtime, 0};
  if (info->st_nlink > 1 && entry->type != EntryType::Directory) {
    auto [first, is_first] = first_names_.try_emplace({info->st_dev, info->st_ino}, to);
    if (!is_first) {
      entry->type = EntryType::HardLink;
      entry->link_target = first->second;
      entry->size = 0;
      entry->xattrs.clear();
    }
  }
  TRY(begin(*entry));
  if (entry->type != EntryType::Regular) return {};
  return write_content(parent.get(), name, *entry, tar_, &hash_);
}

}  // namespace

Result<CopySummary> copy_to_tar(int root_fd, const CopyRequest& request, const CopyHooks& hooks,
                                TarWriter& tar) {
  auto plan = TRY(plan_copy(root_fd, request, hooks));
  Copier copier(root_fd, request, tar);
  for (const auto& [to, planned] : plan) TRY_CONTEXT(copier.copy(to, planned), "copy");
  return copier.finish();
}

}  // namespace imagebuild
