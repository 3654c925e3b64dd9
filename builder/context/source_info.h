// Where a context's or a checkout's content came from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace imagebuild::context {

/// Where the content came from, for the report, labels and time stamps.
struct SourceInfo {
  std::string revision;  ///< "main@sha1:1a2b…", or "" where there is none
  std::string commit;    ///< full hash, or ""
  std::string tree;  ///< id of the content: git tree of the sub-directory, or sha256:… of inline
                     ///< files, or ""
  std::optional<std::int64_t> commit_time;  ///< seconds since 1970
  bool dirty = false;                       ///< a work tree with changes
};

}  // namespace imagebuild::context
