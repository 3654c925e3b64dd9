// LocalContext: the files of a directory that a build gets: what .dockerignore leaves, in sorted
// order, with the Dockerfile and the ignore file always among them. Symbolic links are taken as
// links; sockets, pipes and devices are left out and counted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/archive/byte_stream.h"
#include "common/base/result.h"

namespace imagebuild::plugin {

struct LocalFile {
  enum class Type { Regular, Directory, Symlink };
  std::string path;  ///< relative to the directory
  Type type = Type::Regular;
  bool executable = false;
  std::uint64_t size = 0;
  std::string link_target;
};

struct LocalContext {
  std::string directory;
  std::string dockerfile;  ///< relative to it
  std::vector<LocalFile> files;
  std::uint64_t bytes = 0;
  std::size_t skipped = 0;  ///< sockets, pipes, devices
};

/// `dockerfile` "": Dockerfile. NotFound: no such directory or Dockerfile. InvalidInput: a
/// malformed ignore file, a Dockerfile outside the directory, more than 500,000 files.
Result<LocalContext> scan_context(const std::string& directory, const std::string& dockerfile);

/// Path → content when all of it fits into the object (60 KiB, 256 plain text files, nothing
/// executable); nullopt when it has to be uploaded.
Result<std::optional<std::map<std::string, std::string>>> inline_files(const LocalContext& context);

/// A tar of the context. Owners and times are zero, so that equal files give equal bytes.
Result<void> write_context_tar(const LocalContext& context, const ByteSink& sink);

}  // namespace imagebuild::plugin
