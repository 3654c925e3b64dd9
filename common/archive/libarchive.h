// Private to common/archive: what both directions need around libarchive's C interface.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <cstddef>
#include <memory>
#include <string>

namespace imagebuild::libarchive {

/// libarchive converts names between UTF-8 and the thread's locale and loses what does not fit. In
/// the C locale it gives up on conversion and hands over the bytes (with ARCHIVE_WARN, and
/// `hdrcharset=BINARY` in what it writes): the one mode in which every name round-trips.
class BytewiseNames {
 public:
  BytewiseNames();
  BytewiseNames(const BytewiseNames&) = delete;
  BytewiseNames& operator=(const BytewiseNames&) = delete;
  ~BytewiseNames();

 private:
  locale_t previous_;
};

struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using EntryPtr = std::unique_ptr<archive_entry, FreeEntry>;

/// libarchive's own words, or a substitute when it has none.
std::string message_of(struct archive* archive);

inline constexpr std::size_t kBlockBytes = 256 << 10;

}  // namespace imagebuild::libarchive
