// Where one build keeps blobs and trees: a private directory, removed at the end.
// Builders that were killed cannot remove theirs, so each build first removes what
// killed ones of the same user left.
#pragma once

#include <string>
#include <utility>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace imagebuild {

class WorkDirectory {
 public:
  /// Makes PARENT/imagebuild.XXXXXX; an empty `parent` means $TMPDIR, else /var/tmp. The error
  /// names the parent. The tree worker removes its own part before this object ends.
  static Result<WorkDirectory> make(const std::string& parent);

  WorkDirectory(WorkDirectory&& other) noexcept
      : path_(std::exchange(other.path_, "")), lock_(std::move(other.lock_)) {}
  WorkDirectory& operator=(WorkDirectory&&) = delete;
  ~WorkDirectory();

  const std::string& path() const { return path_; }
  /// Leaves it where it is.
  void keep() { path_.clear(); }

 private:
  WorkDirectory(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  UniqueFd lock_;  ///< held while the builder lives; the kernel lets go of it when it dies
};

/// Removes the directories below `parent` that builders of this user made and nobody holds.
void remove_abandoned_work(const std::string& parent);

}  // namespace imagebuild
