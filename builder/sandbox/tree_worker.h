// The builder's half of the tree worker: a process of its own that lives in the
// id-mapped user and mount namespace for the whole build, unpacks layers, mounts
// overlays, starts RUN and produces diffs. It is given tar bytes and file descriptors,
// never a credential or the builder's environment.
//
// Every call is answered by a child that the worker forks for it, so builder threads may call at
// once. A stop request (or the builder's death) kills that child and everything below it. Layers
// live in the worker's store, owned by subordinate ids that the builder itself cannot remove:
// stop() lets the worker remove them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "builder/layer/copy.h"
#include "builder/layer/diff.h"
#include "builder/layer/usage.h"
#include "builder/sandbox/id_map.h"
#include "builder/sandbox/run_spec.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace imagebuild {

enum class PathType { Missing, Regular, Directory, Symlink, Other };

/// Whether a symlink that is the last component is followed, or is the answer.
enum class LastLink { Follow, Keep };

/// A path looked up in a merged tree, symlinks followed inside the tree.
struct PathInfo {
  std::string path;  ///< absolute, no symlinks in the part that exists
  PathType type = PathType::Missing;
  std::uint32_t mode = 0;  ///< permission bits with set-id and sticky; 0 when missing
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;
  std::vector<std::string>
      missing;  ///< absolute, outermost first, `path` last: what mkdir -p would make

  bool exists() const { return type != PathType::Missing; }
};

/// What a layer held: for the log and the report.
struct UnpackResult {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;            ///< of regular files
  std::uint64_t skipped_devices = 0;  ///< device nodes, which a user namespace may not make
};

class TreeWorker {
 public:
  struct Options {
    std::string
        store_dir;  ///< made if missing; a private directory is made inside and removed by stop()
    std::string executable = "/proc/self/exe";  ///< started as `<executable> tree-worker`
    std::string cache_dir;  ///< keeps caches of RUN beyond the build; empty: they end with it
  };

  /// Starts the worker under the id map that id_map.h chooses for this process.
  /// Denied: a permission is missing (the message names the step and which).
  static Result<TreeWorker> start(Options options);

  TreeWorker(TreeWorker&&) noexcept;
  TreeWorker& operator=(TreeWorker&&) noexcept;
  ~TreeWorker();  ///< stop(), its error lost

  /// A number no other layer of this worker has. No call; thread-safe.
  LayerId new_layer();
  const IdPlan& id_plan() const;

  /// Unpacks an uncompressed tar into a new layer. Independent of other layers: call in parallel.
  Result<UnpackResult> unpack(LayerId layer, UniqueFd tar_in, std::stop_token stop = {});
  /// Completes an unpacked layer from those below it (directories it only implies, hard links into
  /// lower layers). Once for every unpacked layer, bottom first, before anything else uses it.
  Result<void> settle(LayerId layer, const LowerList& lowers, std::stop_token stop = {});

  /// Runs one command on the tree; `output` gets stdout and stderr. An exit status other than 0 is
  /// a RunResult; an Error means that the sandbox could not be set up, and names the step.
  /// `attachments`: what the spec's mounts name by index, at most 30; a Secret's is a file in
  /// memory, an Agent's comes from an AgentForwarder.
  Result<RunResult> run(const RunSpec& spec, UniqueFd output, std::stop_token stop = {},
                        std::vector<UniqueFd> attachments = {});
  /// Writes what `upper` changes against `lowers` as a tar, end marker included.
  Result<DiffSummary> diff(const LowerList& lowers, LayerId upper, const DiffOptions& options,
                           UniqueFd tar_out, std::stop_token stop = {});

  Result<PathInfo> resolve_path(const LowerList& lowers, const std::string& path,
                                LastLink last = LastLink::Follow, std::stop_token stop = {});
  /// A regular file's bytes, symlinks followed inside the tree; nullopt if there is none.
  /// InvalidInput: larger than `limit`.
  Result<std::optional<std::string>> read_file(const LowerList& lowers, const std::string& path,
                                               std::size_t limit, std::stop_token stop = {});
  /// COPY --from: sources out of the merged tree of `from`, as the tar of a layer for `onto`, the
  /// target stage (whose tree says where a directory would replace something else).
  Result<CopySummary> copy_out(const LowerList& from, const LowerList& onto,
                               const CopyRequest& request, UniqueFd tar_out,
                               std::stop_token stop = {});

  /// What the layers hold, looked at together. `uppers`: those of `layers` that RUN wrote.
  Result<ImageUsage> measure(const LowerList& layers, const LowerList& uppers,
                             const UsageOptions& options, std::stop_token stop = {});

  /// Tries what a build needs: owners, overlay, a lower directory's replacement (the error names
  /// the step). The /proc that RUN would get. Uses layers 1 and 2 of a fresh worker.
  Result<ProcMount> probe();

  /// Removes one layer's directory. Not while another layer list uses it.
  Result<void> remove(LayerId layer);
  /// Ends everything that runs, removes the store, ends the worker.
  /// Calls in flight return Canceled.
  Result<void> stop();
  /// Ends everything at once and leaves the store's files: for a pod, whose volume goes with it
  /// (removing a large image's files takes seconds that a build would wait for).
  void abandon();

 private:
  struct State;
  explicit TreeWorker(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Entry of `imagebuild-builder tree-worker`: main() calls it before it starts any thread (a
/// process with a second thread cannot enter a user namespace). argv[1] is "tree-worker".
int tree_worker_main(int argc, char** argv);

}  // namespace imagebuild
