#include "builder/layer/archive.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

#include "builder/layer/compression.h"
#include "builder/layer/path.h"
#include "builder/layer/unpack.h"
#include "common/archive/filter.h"
#include "common/base/sha256.h"

namespace imagebuild {

using namespace layer;

namespace {

constexpr std::uint64_t kMaxUnpacked = std::uint64_t{64} << 30;

/// A source of `fd`'s bytes from the start, whatever its offset.
ByteSource read_from_start(int fd) {
  return [fd, offset = off_t{0}](std::span<char> out) mutable -> Result<std::size_t> {
    for (;;) {
      const ssize_t n = ::pread(fd, out.data(), out.size(), offset);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error("read");
      offset += n;
      return static_cast<std::size_t>(n);
    }
  };
}

Result<ByteSource> open_plain(int fd) {
  std::array<char, 6> first{};
  const auto n = TRY(read_from_start(fd)(first));
  if (is_bzip2_or_xz({first.data(), n})) {
    return ByteSource([plain = open_bzip2_or_xz(read_from_start(fd)), total = std::uint64_t{0}](
                          std::span<char> out) mutable -> Result<std::size_t> {
      const auto read = TRY(plain(out));
      total += read;
      if (total > kMaxUnpacked)
        return fail(ErrorKind::InvalidInput,
                    "archive holds more than " + std::to_string(kMaxUnpacked) + " bytes");
      return read;
    });
  }
  return open_decompressor(read_from_start(fd), kMaxUnpacked);
}

class Extractor {
 public:
  Extractor(const ArchiveRequest& request, TarWriter& tar)
      : request_(request), tar_(tar), base_(clean_path(request.destination.path)) {}

  Result<void> make_directories();
  Result<void> take(TarEntry entry, TarReader& reader);
  CopySummary finish() {
    summary_.content_hash = hash_.finish_hex();
    return std::move(summary_);
  }

 private:
  Result<std::string> place(const std::string& name);
  Result<void> write(const TarEntry& entry);

  const ArchiveRequest& request_;
  TarWriter& tar_;
  const std::string base_;
  CopySummary summary_;
  Sha256 hash_;
  std::map<std::string, std::string> links_;  // symlinks of the archive so far, by clean name
};

Result<void> Extractor::write(const TarEntry& entry) {
  for (const auto& part : components_of(entry.path)) TRY(check_layer_name(part));
  hash_.update_part(entry.path);
  ++summary_.entries;
  if (entry.type != EntryType::Directory) ++summary_.files;
  summary_.bytes += entry.size;
  return tar_.begin(entry);
}

Result<void> Extractor::make_directories() {
  auto made = request_.destination.missing_parents;
  if (request_.destination.kind == DestinationKind::Missing && !base_.empty())
    made.push_back(request_.destination.path);
  for (const auto& path : made)
    TRY(write({.path = clean_path(path),
               .type = EntryType::Directory,
               .mode = 0755,
               .uid = request_.owner.value_or(CopyOwner{}).uid,
               .gid = request_.owner.value_or(CopyOwner{}).gid,
               .mtime = {request_.made_mtime, 0}}));
  return {};
}

/// Where a name of the archive lies in the layer; "" for the archive's root.
Result<std::string> Extractor::place(const std::string& name) {
  std::size_t depth = 0;
  for (const auto& part : components_of(name)) {
    if (part == ".." && depth-- == 0)
      return fail(ErrorKind::InvalidInput, "the name leads out of the archive");
    if (part != "..") ++depth;
  }
  const std::string clean = clean_path(name);
  if (clean.empty()) return clean;
  auto parent = TRY(resolve_path(parent_of(clean), [this](const std::string& at) -> Result<Node> {
    auto link = links_.find(at);
    if (link == links_.end()) return Node{NodeKind::Directory, ""};
    return Node{NodeKind::Symlink, link->second};
  }));
  return join_path(parent.path, name_of(clean));
}

Result<void> Extractor::take(TarEntry entry, TarReader& reader) {
  const std::string name = TRY(place(entry.path));
  if (name.empty()) return {};
  // What the entry replaces is no link any more; with a directory everything below it goes.
  for (auto it = links_.lower_bound(name); it != links_.end() && it->first.starts_with(name);)
    it = is_within(it->first, name) && (it->first == name || entry.type != EntryType::Directory)
             ? links_.erase(it)
             : std::next(it);
  if (entry.type == EntryType::Symlink) links_[name] = entry.link_target;
  if (entry.type == EntryType::HardLink) {
    const std::string target = TRY(place(entry.link_target));
    if (target.empty()) return fail(ErrorKind::InvalidInput, "a hard link to the root");
    entry.link_target = join_path(base_, target);
  }
  if (request_.owner) {
    entry.uid = request_.owner->uid;
    entry.gid = request_.owner->gid;
  }
  if (request_.latest_mtime && entry.mtime.seconds >= *request_.latest_mtime)
    entry.mtime = {*request_.latest_mtime, 0};
  entry.path = join_path(base_, name);
  TRY(write(entry));
  for (;;) {
    auto part = TRY(reader.read());
    if (part.empty()) return {};
    hash_.update(part);
    TRY(tar_.write(part));
  }
}

}  // namespace

Result<bool> is_archive(int fd) {
  auto plain = open_plain(fd);
  if (!plain) return std::move(plain).error();
  TarReader reader(*std::move(plain));
  auto first = reader.next();
  // Whatever cannot be read as one is a file like any other.
  return first.ok() && first->has_value();
}

Result<CopySummary> archive_to_tar(int fd, const ArchiveRequest& request, TarWriter& tar) {
  if (request.destination.kind == DestinationKind::Other)
    return fail(ErrorKind::InvalidInput, request.destination.path + " is not a directory");
  TarReader reader(TRY(open_plain(fd)));
  Extractor extractor(request, tar);
  TRY(extractor.make_directories());
  for (;;) {
    auto entry = TRY(reader.next());
    if (!entry) return extractor.finish();
    const std::string shown = entry->path;
    TRY_CONTEXT(extractor.take(*std::move(entry), reader), shown);
  }
}

Result<void> unpack_archive(int fd, int directory_fd, std::uint64_t max_bytes) {
  TarReader reader(TRY(open_plain(fd)));
  const auto summary =
      TRY(unpack_layer(directory_fd, reader, {.bytes = max_bytes, .keep_owner = false}));
  if (!summary.whiteouts.empty()) return check_layer_name(".wh." + summary.whiteouts.front());
  if (!summary.deferred_hard_links.empty())
    return fail(ErrorKind::InvalidInput, summary.deferred_hard_links.front().path +
                                             ": a hard link to what is not in the archive");
  return {};
}

}  // namespace imagebuild
