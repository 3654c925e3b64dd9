// Tar archives: every entry and its content is read, up to a bound (a sparse file of a few bytes
// may claim terabytes), and the limits of names hold.
#include "common/archive/tar.h"
#include "tests/fuzz/fuzz_target.h"

using namespace imagebuild;
using namespace imagebuild::fuzz;

namespace {

constexpr std::uint64_t kEnough = 4u << 20;

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  TarLimits limits{.name_bytes = 300, .xattr_bytes = 1000, .entries = 500};
  TarReader reader(source_from_bytes(text_of(data, size)), limits);
  std::uint64_t total = 0, entries = 0;
  for (;;) {
    auto entry = reader.next();
    if (!entry || !*entry) return 0;
    promise(++entries <= limits.entries, "entries keep their limit");
    promise((*entry)->path.size() <= limits.name_bytes, "a path keeps its limit");
    promise((*entry)->link_target.size() <= limits.name_bytes, "a link target keeps its limit");
    promise((*entry)->mode <= 07777, "a mode has permission bits only");
    for (std::uint64_t content = 0;;) {
      auto bytes = reader.read();
      if (!bytes || bytes->empty()) break;
      content += bytes->size();
      total += bytes->size();
      promise(content <= (*entry)->size, "no content is longer than the entry says");
      if (total > kEnough) return 0;
    }
  }
}
