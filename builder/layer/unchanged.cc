#include "builder/layer/unchanged.h"

#include <fcntl.h>

#include <algorithm>
#include <array>

#include "builder/layer/node.h"

namespace imagebuild::layer {
namespace {

bool same_metadata(const TarEntry& a, const TarEntry& b) {
  return a.type == b.type && a.mode == b.mode && a.uid == b.uid && a.gid == b.gid &&
         a.size == b.size && a.mtime == b.mtime && a.link_target == b.link_target &&
         a.xattrs == b.xattrs;
}

Result<bool> same_content(int a_parent, int b_parent, const std::string& name) {
  auto a = TRY(open_beneath(a_parent, name, O_RDONLY | O_NONBLOCK));
  auto b = TRY(open_beneath(b_parent, name, O_RDONLY | O_NONBLOCK));
  std::array<char, 64 << 10> a_bytes;
  std::array<char, 64 << 10> b_bytes;
  for (;;) {
    std::size_t n = TRY(read_some(a.get(), a_bytes));
    for (std::size_t got = 0; got < n;) {
      std::size_t m = TRY(read_some(b.get(), std::span(b_bytes).subspan(got, n - got)));
      if (m == 0) return false;
      got += m;
    }
    if (!std::equal(a_bytes.begin(), a_bytes.begin() + static_cast<std::ptrdiff_t>(n),
                    b_bytes.begin()))
      return false;
    if (n == 0) return TRY(read_some(b.get(), std::span(b_bytes).first(1))) == 0;
  }
}

}  // namespace

Result<bool> is_unchanged(int upper, int lower, const std::string& name, const TarEntry& entry) {
  if (lower < 0) return false;
  auto info = TRY(stat_at(lower, name));
  if (!info) return false;
  auto below = TRY(entry_of(lower, name, *info, entry.path));
  if (!below || !same_metadata(entry, *below)) return false;
  return entry.type != EntryType::Regular ? Result<bool>(true) : same_content(upper, lower, name);
}

}  // namespace imagebuild::layer
