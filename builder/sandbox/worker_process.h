// Starting the tree worker's process: its private folder, its control socket, its id maps.
#pragma once

#include <string>

#include "builder/sandbox/child.h"
#include "builder/sandbox/id_map.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace imagebuild::sandbox {

// What a worker finds open when it starts, and the name of the store it makes in its folder.
inline constexpr int worker_control_fd = 3;
inline constexpr int worker_folder_fd = 4;
inline constexpr const char* worker_store_name = "store";
inline constexpr const char* worker_caches_name = "cache";  ///< beside the store

/// A directory only we can reach with one inside that everybody may write: the worker, whose ids
/// are not ours to chown to, gets the inner one by descriptor and makes its store there. Removed
/// with the object.
class WorkerFolder {
 public:
  static Result<WorkerFolder> make(const std::string& store_dir);
  WorkerFolder(WorkerFolder&& other) noexcept;
  WorkerFolder& operator=(WorkerFolder&&) = delete;
  ~WorkerFolder();

  int inner() const { return inner_.get(); }

 private:
  WorkerFolder(std::string path, UniqueFd inner)
      : path_(std::move(path)), inner_(std::move(inner)) {}
  std::string path_;
  UniqueFd inner_;
};

struct WorkerProcess {
  Child process;
  UniqueFd control;
};

/// Makes what the worker keeps caches in below `cache_dir` and returns its absolute name: private
/// to us, but writable for the worker's ids, which differ between users.
Result<std::string> make_caches_folder(const std::string& cache_dir, const IdPlan& plan);

/// Starts `executable tree-worker` and takes it through its start-up. The error names the step.
/// `caches`: from make_caches_folder(), or empty.
Result<WorkerProcess> start_worker(const std::string& executable, const WorkerFolder& folder,
                                   const IdPlan& plan, const std::string& caches);

}  // namespace imagebuild::sandbox
