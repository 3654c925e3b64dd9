#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <vector>

#include "common/archive/libarchive.h"
#include "common/archive/tar.h"

namespace imagebuild {

struct TarReader::State {
  State(ByteSource bytes, TarLimits bounds)
      : source(std::move(bytes)), limits(bounds), buffer(libarchive::kBlockBytes) {}
  ~State() { archive_read_free(reader); }

  ByteSource source;
  TarLimits limits;
  std::vector<char> buffer;
  std::optional<Error>
      source_error;  // what the source said, better than what libarchive makes of it

  struct archive* reader = nullptr;
  std::uint64_t entries = 0;
  std::string path;  // of the current entry, for messages; the last one when a header is damaged
  bool has_content = false;
  bool at_end = false;
  std::uint64_t size = 0;
  std::uint64_t position = 0;
  std::string_view block;  // data at block_offset that read() has not given yet; before it a hole
  std::uint64_t block_offset = 0;

  static la_ssize_t pull(struct archive* reader, void* self, const void** bytes);
  Result<void> open();
  Error damaged();
  Result<void> drain();
  Result<TarEntry> convert(archive_entry* raw) const;
  Result<bool> load_block();
};

namespace {

Result<std::uint32_t> checked_id(const char* what, std::int64_t id) {
  // The largest value is (uid_t)-1: "leave as it is" for chown(2), nobody's id.
  if (id < 0 || id >= std::numeric_limits<std::uint32_t>::max())
    return fail(ErrorKind::InvalidInput,
                std::string(what) + " " + std::to_string(id) + " is out of range");
  return static_cast<std::uint32_t>(id);
}

Result<EntryType> type_of(archive_entry* raw) {
  if (archive_entry_hardlink(raw) != nullptr) return EntryType::HardLink;
  switch (archive_entry_filetype(raw)) {
    case AE_IFREG:
      return EntryType::Regular;
    case AE_IFDIR:
      return EntryType::Directory;
    case AE_IFLNK:
      return EntryType::Symlink;
    case AE_IFCHR:
      return EntryType::CharDevice;
    case AE_IFBLK:
      return EntryType::BlockDevice;
    case AE_IFIFO:
      return EntryType::Fifo;
    default:
      return fail(ErrorKind::InvalidInput, "unknown type of entry");
  }
}

Result<void> read_xattrs(archive_entry* raw, std::size_t limit, TarEntry& entry) {
  std::size_t total = 0;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t length = 0;
  archive_entry_xattr_reset(raw);
  while (archive_entry_xattr_next(raw, &name, &value, &length) == ARCHIVE_OK) {
    std::string_view key(name);
    total += key.size() + length;
    if (total > limit)
      return fail(ErrorKind::InvalidInput,
                  "extended attributes of more than " + std::to_string(limit) + " bytes");
    entry.xattrs[std::string(key)].assign(static_cast<const char*>(value), length);
  }
  return {};
}

// ARCHIVE_WARN: a name outside ASCII. ARCHIVE_RETRY (a damaged header,
// with an offer to go on) is damage.
bool delivered(int status) { return status == ARCHIVE_OK || status == ARCHIVE_WARN; }

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

la_ssize_t TarReader::State::pull(struct archive* reader, void* self, const void** bytes) {
  auto& state = *static_cast<State*>(self);
  auto n = state.source(state.buffer);
  if (!n) {
    archive_set_error(reader, EIO, "source failed");
    state.source_error = std::move(n).error();
    return -1;
  }
  *bytes = state.buffer.data();
  return static_cast<la_ssize_t>(*n);
}

Result<void> TarReader::State::open() {
  if (reader != nullptr) return {};
  reader = archive_read_new();
  if (reader == nullptr) return fail(ErrorKind::Transient, "tar: out of memory");
  // Tar alone: more formats are more attack surface and drag their libraries into the binary.
  if (archive_read_support_format_tar(reader) != ARCHIVE_OK ||
      archive_read_open(reader, this, nullptr, &State::pull, nullptr) != ARCHIVE_OK)
    return damaged();
  return {};
}

Error TarReader::State::damaged() {
  if (source_error) return *source_error;
  std::string where = entries == 0 ? "tar: first entry" : "tar: at or after entry " + path;
  return fail(ErrorKind::InvalidInput, where + ": " + libarchive::message_of(reader));
}

Result<void> TarReader::State::drain() {
  for (;;) {
    if (TRY(source(buffer)) == 0) return {};
  }
}

Result<TarEntry> TarReader::State::convert(archive_entry* raw) const {
  TarEntry entry;
  const char* name = archive_entry_pathname(raw);
  if (name == nullptr || *name == '\0')
    return fail(ErrorKind::InvalidInput, "tar: an entry without a name");
  entry.path = without_trailing_slashes(name);
  if (entry.path.size() > limits.name_bytes)
    return fail(ErrorKind::InvalidInput, "tar: entry " + entry.path.substr(0, 80) + "…: name of " +
                                             std::to_string(entry.path.size()) + " bytes");
  const std::string where = "tar: entry " + entry.path;
  entry.type = TRY_CONTEXT(type_of(raw), where);
  const char* link = entry.type == EntryType::HardLink  ? archive_entry_hardlink(raw)
                     : entry.type == EntryType::Symlink ? archive_entry_symlink(raw)
                                                        : nullptr;
  if (link != nullptr) entry.link_target = link;
  if (entry.link_target.size() > limits.name_bytes)
    return fail(ErrorKind::InvalidInput,
                where + ": link target of " + std::to_string(entry.link_target.size()) + " bytes");
  entry.mode = archive_entry_perm(raw) & 07777;
  entry.uid = TRY_CONTEXT(checked_id("uid", archive_entry_uid(raw)), where);
  entry.gid = TRY_CONTEXT(checked_id("gid", archive_entry_gid(raw)), where);
  entry.mtime.seconds = archive_entry_mtime(raw);
  entry.mtime.nanoseconds =
      static_cast<std::uint32_t>(std::clamp(archive_entry_mtime_nsec(raw), 0L, 999'999'999L));
  if (entry.type == EntryType::Regular) {
    if (archive_entry_size(raw) < 0)
      return fail(ErrorKind::InvalidInput, where + ": negative size");
    entry.size = static_cast<std::uint64_t>(archive_entry_size(raw));
  }
  if (entry.type == EntryType::CharDevice || entry.type == EntryType::BlockDevice) {
    entry.device_major = static_cast<std::uint32_t>(archive_entry_rdevmajor(raw));
    entry.device_minor = static_cast<std::uint32_t>(archive_entry_rdevminor(raw));
  }
  TRY_CONTEXT(read_xattrs(raw, limits.xattr_bytes, entry), where);
  return entry;
}

/// Fetches the next piece of content; false at its end.
Result<bool> TarReader::State::load_block() {
  const void* bytes = nullptr;
  std::size_t length = 0;
  la_int64_t offset = 0;
  for (;;) {
    int status = archive_read_data_block(reader, &bytes, &length, &offset);
    if (status == ARCHIVE_EOF) return false;
    if (!delivered(status)) return damaged();
    if (length == 0) continue;
    block = {static_cast<const char*>(bytes), length};
    block_offset = static_cast<std::uint64_t>(offset);
    // Sparse maps come from the archive: they may go neither back nor beyond the file.
    if (offset < 0 || block_offset < position || block_offset > size ||
        length > size - block_offset)
      return fail(ErrorKind::InvalidInput,
                  "tar: entry " + path + ": sparse map out of order or beyond the file's size");
    return true;
  }
}

TarReader::TarReader(ByteSource source, TarLimits limits)
    : state_(std::make_unique<State>(std::move(source), limits)) {}
TarReader::TarReader(TarReader&&) noexcept = default;
TarReader& TarReader::operator=(TarReader&&) noexcept = default;
TarReader::~TarReader() = default;

Result<std::optional<TarEntry>> TarReader::next() {
  State& state = *state_;
  if (state.at_end) return std::optional<TarEntry>();
  libarchive::BytewiseNames bytewise;
  TRY(state.open());
  archive_entry* raw = nullptr;
  int status = archive_read_next_header(state.reader, &raw);
  if (status == ARCHIVE_EOF) {
    state.at_end = true;
    state.has_content = false;
    TRY(state.drain());
    return std::optional<TarEntry>();
  }
  if (!delivered(status)) return state.damaged();
  if (++state.entries > state.limits.entries)
    return fail(ErrorKind::InvalidInput,
                "tar: more than " + std::to_string(state.limits.entries) + " entries");
  auto entry = TRY(state.convert(raw));
  state.path = entry.path;
  state.size = entry.size;
  state.position = 0;
  state.block = {};
  state.has_content = entry.type == EntryType::Regular;
  return std::optional<TarEntry>(std::move(entry));
}

Result<std::string_view> TarReader::read() {
  static constexpr std::array<char, 64 << 10> kZeros{};
  State& state = *state_;
  if (!state.has_content || state.position == state.size) return std::string_view();
  if (state.block.empty()) {
    libarchive::BytewiseNames bytewise;
    if (!TRY(state.load_block())) state.block_offset = state.size;  // a hole to the end
  }
  if (state.position < state.block_offset) {
    std::uint64_t hole =
        std::min<std::uint64_t>(state.block_offset - state.position, kZeros.size());
    state.position += hole;
    return std::string_view(kZeros.data(), hole);
  }
  state.position += state.block.size();
  return std::exchange(state.block, {});
}

}  // namespace imagebuild
