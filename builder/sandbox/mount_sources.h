// Where the content of a RUN's mounts is when the step's first process binds them. The worker's
// child makes it before, in its own mount namespace: views of trees, caches, secrets and sockets on
// a tmpfs that ends with the step.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "builder/sandbox/cache_store.h"
#include "builder/sandbox/run_spec.h"
#include "builder/sandbox/scaffold.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace imagebuild::sandbox {

struct MountSource {
  std::string root;  ///< a directory, relative to the store; empty: there is nothing to bind
  std::string path;  ///< in `root`, no symlink in it
  MountPointKind kind = MountPointKind::Directory;
};

class MountSources {
 public:
  /// Mounts the tmpfs at other_merged_path, where RUN's files of /etc go, too. The error names the
  /// mount's target. Waits for caches that other steps have locked.
  static Result<MountSources> make(const RunSpec& spec, std::vector<UniqueFd> attachments);

  /// One for each of the spec's mounts.
  const std::vector<MountSource>& sources() const { return sources_; }
  /// The secrets among the environment: "NAME=value".
  const std::vector<std::string>& environment() const { return environment_; }

  /// Unmounts everything here and removes what RUN wrote into views.
  Result<void> remove();

 private:
  explicit MountSources(const RunSpec& spec) : spec_(&spec), sources_(spec.mounts.size()) {}
  Result<void> make_one(std::size_t index, const std::vector<UniqueFd>& attachments);
  Result<MountSource> view(const RunMount& mount, const std::string& place);
  Result<MountSource> cache(const RunMount& mount);
  Result<MountSource> secret(const RunMount& mount, int attachment, const std::string& name);

  const RunSpec* spec_;  // outlives this
  std::vector<MountSource> sources_;
  std::vector<std::string> environment_;
  std::map<std::string, OpenCache> caches_;  // by key: their locks are held
};

/// The mount points that the image's tree has to have: RUN's own, and of those asked for the ones
/// that lie in no other mount.
std::vector<MountPoint> points_in_tree(std::vector<MountPoint> own,
                                       std::span<const MountPoint> asked);

/// Indices of the mounts, parents before what is mounted inside them.
std::vector<std::size_t> mount_order(std::span<const RunMount> mounts);

}  // namespace imagebuild::sandbox
