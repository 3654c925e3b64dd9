// What grew between two file trees, summed up for people: a directory whose change is spread over
// many files is one row, one whose change sits in a few places is opened. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugin/layered_files.h"

namespace imagebuild::plugin {

struct PathChange {
  enum class Kind { Added, Removed, Grew, Shrank };
  Kind kind = Kind::Grew;
  std::string path;         ///< "/usr/lib/x"; directories end in "/"
  std::size_t files = 1;    ///< that changed, in a directory
  bool rest = false;        ///< what is left of a directory beside rows of their own
  bool hidden = false;      ///< stored, but overwritten or removed by later layers
  std::int64_t delta = 0;   ///< bytes, unpacked
  std::uint64_t moved = 0;  ///< sum of all differences, whatever their sign
  bool of_new = true;       ///< whether `layer` is one of the new image
  std::size_t layer = 0;    ///< the one with most of it
};

struct PathChanges {
  std::vector<PathChange> rows;  ///< largest first, at most as many as asked for
  std::size_t more = 0;          ///< rows that are left out
  std::int64_t more_delta = 0;
  std::int64_t visible_delta = 0, hidden_delta = 0;  ///< of everything
};

PathChanges compare_files(const LayeredFiles& before, const LayeredFiles& after, std::size_t top);

}  // namespace imagebuild::plugin
