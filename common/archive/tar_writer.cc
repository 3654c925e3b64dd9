#include <sys/stat.h>

#include <cerrno>

#include "common/archive/libarchive.h"
#include "common/archive/tar.h"

namespace imagebuild {

struct TarWriter::State {
  explicit State(ByteSink bytes) : sink(std::move(bytes)) {}
  ~State() {
    if (writer == nullptr) return;
    // Freeing closes, which would write an end marker to an archive that has none.
    abandoned = true;
    archive_write_free(writer);
  }

  ByteSink sink;
  std::optional<Error> sink_error;
  bool abandoned = false;
  bool finished = false;

  struct archive* writer = nullptr;
  std::string path;
  std::uint64_t missing = 0;  // content bytes still due

  static la_ssize_t push(struct archive* writer, void* self, const void* bytes, std::size_t length);
  Result<void> open();
  Result<void> checked(int status);
  Result<void> complete() const;
};

namespace {

unsigned file_type(EntryType type) {
  switch (type) {
    case EntryType::Regular:
    case EntryType::HardLink:
      return AE_IFREG;
    case EntryType::Directory:
      return AE_IFDIR;
    case EntryType::Symlink:
      return AE_IFLNK;
    case EntryType::CharDevice:
      return AE_IFCHR;
    case EntryType::BlockDevice:
      return AE_IFBLK;
    case EntryType::Fifo:
      return AE_IFIFO;
  }
  return AE_IFREG;
}

Result<void> check_names(const TarEntry& entry) {
  if (entry.path.empty()) return fail(ErrorKind::InvalidInput, "tar: an entry without a name");
  if (entry.path.find('\0') != std::string::npos ||
      entry.link_target.find('\0') != std::string::npos)
    return fail(ErrorKind::InvalidInput, "tar: entry " + entry.path + ": NUL in a name");
  for (const auto& [name, value] : entry.xattrs)
    // '=' ends the key of a PAX record.
    if (name.find('\0') != std::string::npos || name.find('=') != std::string::npos)
      return fail(ErrorKind::InvalidInput, "tar: entry " + entry.path + ": attribute name " + name);
  return {};
}

libarchive::EntryPtr convert(const TarEntry& entry) {
  libarchive::EntryPtr raw(archive_entry_new());
  if (!raw) return raw;
  archive_entry_copy_pathname(raw.get(), entry.path.c_str());
  archive_entry_set_mode(raw.get(),
                         static_cast<__LA_MODE_T>(file_type(entry.type) | (entry.mode & 07777)));
  archive_entry_set_uid(raw.get(), entry.uid);
  archive_entry_set_gid(raw.get(), entry.gid);
  archive_entry_set_size(
      raw.get(), entry.type == EntryType::Regular ? static_cast<la_int64_t>(entry.size) : 0);
  archive_entry_set_mtime(raw.get(), entry.mtime.seconds,
                          static_cast<long>(entry.mtime.nanoseconds));
  if (entry.type == EntryType::HardLink)
    archive_entry_copy_hardlink(raw.get(), entry.link_target.c_str());
  if (entry.type == EntryType::Symlink)
    archive_entry_copy_symlink(raw.get(), entry.link_target.c_str());
  if (entry.type == EntryType::CharDevice || entry.type == EntryType::BlockDevice) {
    archive_entry_set_rdevmajor(raw.get(), entry.device_major);
    archive_entry_set_rdevminor(raw.get(), entry.device_minor);
  }
  // A hard link is its target's inode: attributes stand with the first name.
  if (entry.type != EntryType::HardLink)
    for (const auto& [name, value] : entry.xattrs)
      archive_entry_xattr_add_entry(raw.get(), name.c_str(), value.data(), value.size());
  return raw;
}

}  // namespace

la_ssize_t TarWriter::State::push(struct archive*, void* self, const void* bytes,
                                  std::size_t length) {
  auto& state = *static_cast<State*>(self);
  // libarchive leaks its buffers when a write fails: it is told of none, checked() is.
  if (state.abandoned || state.sink_error) return static_cast<la_ssize_t>(length);
  auto written = state.sink({static_cast<const char*>(bytes), length});
  if (!written) state.sink_error = std::move(written).error();
  return static_cast<la_ssize_t>(length);
}

Result<void> TarWriter::State::open() {
  if (writer != nullptr) return {};
  writer = archive_write_new();
  if (writer == nullptr) return fail(ErrorKind::Transient, "tar: out of memory");
  // Docker and containerd read SCHILY.xattr only; libarchive would write its own form as well.
  if (archive_write_set_format_pax(writer) != ARCHIVE_OK ||
      archive_write_set_format_option(writer, "pax", "xattrheader", "SCHILY") != ARCHIVE_OK ||
      archive_write_set_bytes_per_block(writer, static_cast<int>(libarchive::kBlockBytes)) !=
          ARCHIVE_OK ||
      archive_write_set_bytes_in_last_block(writer, 1) != ARCHIVE_OK)
    return fail(ErrorKind::Internal, "tar: " + libarchive::message_of(writer));
  return checked(archive_write_open(writer, this, nullptr, &State::push, nullptr));
}

Result<void> TarWriter::State::checked(int status) {
  if (sink_error) return *sink_error;
  // ARCHIVE_WARN is what a name outside ASCII gives; its bytes are written as they are.
  if (status == ARCHIVE_OK || status == ARCHIVE_WARN) return {};
  return fail(ErrorKind::Internal, "tar: entry " + path + ": " + libarchive::message_of(writer));
}

Result<void> TarWriter::State::complete() const {
  if (finished) return fail(ErrorKind::Internal, "tar: written to after its end");
  if (missing == 0) return {};
  return fail(ErrorKind::Internal,
              "tar: entry " + path + ": " + std::to_string(missing) + " bytes missing");
}

TarWriter::TarWriter(ByteSink sink) : state_(std::make_unique<State>(std::move(sink))) {}
TarWriter::TarWriter(TarWriter&&) noexcept = default;
TarWriter& TarWriter::operator=(TarWriter&&) noexcept = default;
TarWriter::~TarWriter() = default;

Result<void> TarWriter::begin(const TarEntry& entry) {
  State& state = *state_;
  TRY(state.complete());
  TRY(check_names(entry));
  libarchive::BytewiseNames bytewise;
  TRY(state.open());
  auto raw = convert(entry);
  if (!raw) return fail(ErrorKind::Transient, "tar: out of memory");
  state.path = entry.path;
  TRY(state.checked(archive_write_header(state.writer, raw.get())));
  state.missing = entry.type == EntryType::Regular ? entry.size : 0;
  return {};
}

Result<void> TarWriter::write(std::string_view bytes) {
  State& state = *state_;
  if (bytes.empty()) return {};
  if (bytes.size() > state.missing)
    return fail(ErrorKind::Internal, "tar: entry " + state.path + ": more bytes than its size");
  la_ssize_t written = archive_write_data(state.writer, bytes.data(), bytes.size());
  TRY(state.checked(written < 0 ? static_cast<int>(written) : ARCHIVE_OK));
  state.missing -= bytes.size();
  return {};
}

Result<void> TarWriter::finish() {
  State& state = *state_;
  TRY(state.complete());
  libarchive::BytewiseNames bytewise;
  TRY(state.open());
  state.finished = true;
  return state.checked(archive_write_close(state.writer));
}

}  // namespace imagebuild
