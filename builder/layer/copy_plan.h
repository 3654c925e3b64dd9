// Private to copy: which file of the sources ends up under which name, before anything is written.
// Sorted, and later sources win, as if they had been copied one after the other.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "builder/layer/copy.h"
#include "builder/layer/node.h"

namespace imagebuild::layer {

/// Orders paths so that a directory's content follows it directly: '/' before every other byte.
struct TreeOrder {
  bool operator()(std::string_view a, std::string_view b) const;
};

struct PlannedEntry {
  std::string source;  // clean path below the root; unused if made
  bool is_directory = false;
  bool made = false;  // a directory on the way to the destination, of no source
};

using CopyPlan = std::map<std::string, PlannedEntry, TreeOrder>;  // by path in the layer

Result<CopyPlan> plan_copy(int root_fd, const CopyRequest& request, const CopyHooks& hooks);

}  // namespace imagebuild::layer
