// COPY: sources below a root become the entries of a layer. Used on the build context by the
// builder and on another stage's tree by the tree worker, so both follow the same rules:
// a directory source copies its contents; a source that is a symlink is followed inside the root,
// symlinks within a copied directory stay symlinks; owner is 0:0 or --chown for everything; hard
// links, xattrs and setuid bits are kept; an existing destination directory keeps its metadata,
// directories made on the way are 0755 or what an octal --chmod says. With --parents a source keeps
// its directories, from the root or from the `/./` in it on. Output is sorted and depends on
// nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "builder/layer/mode_change.h"
#include "common/archive/tar.h"
#include "common/base/json.h"
#include "common/base/result.h"

namespace imagebuild {

enum class DestinationKind { Missing, Directory, Other };

/// The destination in the target stage; its parents are already resolved (no symlinks left).
struct CopyDestination {
  std::string path;                                 // clean and absolute: "/", "/app"
  DestinationKind kind = DestinationKind::Missing;  // what is at `path` (a symlink is followed)
  bool trailing_slash = false;                      // written as a directory ("dir/", ".")
  std::vector<std::string> missing_parents;  // absolute; ancestors of `path` (not itself) that do
                                             // not exist, outermost first

  /// Sources are put into it, under their names.
  bool is_directory() const {
    return trailing_slash || kind == DestinationKind::Directory || path == "/";
  }
};

struct CopyOwner {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

/// What COPY was asked for: travels to the tree worker as JSON.
struct CopyRequest {
  std::vector<std::string>
      sources;  // as written: "src/", "*.txt", "."; relative to the root, `/` and `..` stop at it
  CopyDestination destination;
  CopyOwner owner;
  std::optional<ModeChange> chmod;    // for files and directories alike
  std::optional<std::int64_t> mtime;  // seconds, for everything written; absent: the sources' own
  // --exclude, as moby/patternmatcher has them: below each source, and for the name of a file that
  // a wildcard found.
  std::vector<std::string> excludes;
  bool parents = false;
  bool names = false;  // sources are names, without wildcards
};

/// What only the caller knows; nothing of it crosses a process.
struct CopyHooks {
  /// Is this path (relative to the root) excluded (.dockerignore)?
  std::function<bool(std::string_view path, bool is_directory)> excluded;
  /// May something below this excluded directory be included again? Unset:
  /// its content is looked at.
  std::function<bool(std::string_view directory)> may_include_below;
  /// What the target stage has at this absolute path (symlinks not followed: a symlink is Other).
  /// When set, copying a directory onto something else is an error instead of replacing it (`COPY
  /// rootfs/ /` where /lib is a symlink).
  std::function<Result<DestinationKind>(const std::string& path)> existing;
};

struct CopySummary {
  std::uint64_t entries = 0;  // written to the tar
  std::uint64_t files = 0;    // of them, not directories
  std::uint64_t bytes = 0;    // of contents
  std::string content_hash;   // hex SHA-256 over path, type, mode, owner, xattrs, link target,
                              // bytes; not mtime
};

/// Writes the entries to `tar` (finish() is the caller's). NotFound names a source without
/// wildcards that is not there; one with wildcards may match nothing. InvalidInput: several sources
/// and a destination that is no directory, a directory onto a file.
Result<CopySummary> copy_to_tar(int root_fd, const CopyRequest& request, const CopyHooks& hooks,
                                TarWriter& tar);

/// A source with its wildcards expanded.
struct MatchedSource {
  std::string name;
  std::string path;           // clean, symlinks followed
  bool regular_file = false;  // and not excluded
};
/// What the request's sources are, in the order in which they are copied (without --parents).
Result<std::vector<MatchedSource>> match_sources(int root_fd, const CopyRequest& request,
                                                 const CopyHooks& hooks);

Json to_json(const CopyRequest& request);
Result<CopyRequest> copy_request_from_json(const Json& json);

/// Go's filepath.Match: `*` and `?` stop at '/', `[a-z]`, `[^a]`, `\` quotes.
/// InvalidInput for a bad pattern.
Result<bool> match_path(std::string_view pattern, std::string_view path);

}  // namespace imagebuild
