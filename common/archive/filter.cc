#include "common/archive/filter.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "common/archive/libarchive.h"

namespace imagebuild {

namespace {

struct FreeReader {
  void operator()(struct archive* reader) const { archive_read_free(reader); }
};

class Filter {
 public:
  explicit Filter(ByteSource compressed)
      : source_(std::move(compressed)), input_(libarchive::kBlockBytes) {}

  Result<std::size_t> read(std::span<char> out) {
    if (!reader_) TRY(open());
    if (at_end_) return std::size_t{0};
    const la_ssize_t n = archive_read_data(reader_.get(), out.data(), out.size());
    if (n < 0) return damaged();
    return static_cast<std::size_t>(n);
  }

 private:
  static la_ssize_t pull(struct archive* reader, void* self, const void** bytes) {
    auto& filter = *static_cast<Filter*>(self);
    auto n = filter.source_(filter.input_);
    if (!n) {
      archive_set_error(reader, EIO, "source failed");
      filter.source_error_ = std::move(n).error();
      return -1;
    }
    *bytes = filter.input_.data();
    return static_cast<la_ssize_t>(*n);
  }

  Result<void> open() {
    reader_.reset(archive_read_new());
    if (!reader_) return fail(ErrorKind::Transient, "decompress: out of memory");
    if (archive_read_support_filter_bzip2(reader_.get()) != ARCHIVE_OK ||
        archive_read_support_filter_xz(reader_.get()) != ARCHIVE_OK ||
        archive_read_support_format_raw(reader_.get()) != ARCHIVE_OK ||
        archive_read_open(reader_.get(), this, nullptr, &Filter::pull, nullptr) != ARCHIVE_OK)
      return damaged();
    archive_entry* whole = nullptr;
    const int status = archive_read_next_header(reader_.get(), &whole);
    at_end_ = status == ARCHIVE_EOF;
    if (status != ARCHIVE_OK && !at_end_) return damaged();
    return {};
  }

  Error damaged() {
    if (source_error_) return *source_error_;
    return fail(ErrorKind::InvalidInput, "decompress: " + libarchive::message_of(reader_.get()));
  }

  ByteSource source_;
  std::vector<char> input_;
  std::optional<Error> source_error_;
  bool at_end_ = false;  // a stream of nothing
  std::unique_ptr<struct archive, FreeReader> reader_;
};

}  // namespace

bool is_bzip2_or_xz(std::string_view first_bytes) {
  return first_bytes.starts_with("BZh") || first_bytes.starts_with(std::string_view("\xfd"
                                                                                    "7zXZ\0",
                                                                                    6));
}

ByteSource open_bzip2_or_xz(ByteSource compressed) {
  // Shared because std::function is copyable; there is one reader.
  auto filter = std::make_shared<Filter>(std::move(compressed));
  return [filter](std::span<char> out) { return filter->read(out); };
}

}  // namespace imagebuild
