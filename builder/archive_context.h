// A context that is one file: a tar, plain or compressed, from standard input or a URL. A file that
// is no archive is a Dockerfile without a context.
#pragma once

#include <stop_token>
#include <string>

#include "builder/context/context.h"
#include "builder/context/download.h"
#include "common/base/result.h"

namespace imagebuild {

struct ArchiveSource {
  std::string url;          ///< empty: standard input
  std::string dockerfile;   ///< empty: "Dockerfile"; below the archive's root
  bool files_only = false;  ///< a named context, which must be an archive
};

/// Unpacks below `work_dir`, where the context's directory goes with it. InvalidInput: too large,
/// damaged, an entry that has no place in a context; what download() says.
Result<context::Context> open_archive_context(const ArchiveSource& source,
                                              const std::string& work_dir,
                                              const context::Remote& remote, std::stop_token stop);

}  // namespace imagebuild
