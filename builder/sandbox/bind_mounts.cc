// The part of run_steps.h that RUN --mount asks for: in the step's first process, after its own
// file systems are there and before the root changes.
#include <fcntl.h>
#include <sys/mount.h>

#include "builder/sandbox/mount_calls.h"
#include "builder/sandbox/run_steps.h"
#include "builder/sandbox/tree_path.h"

namespace imagebuild::sandbox {
namespace {

Result<void> mount_tmpfs(const RunMount& mount, const UniqueFd& target) {
  std::string options = "mode=1777";
  if (mount.size > 0) options += ",size=" + std::to_string(mount.size);
  return mount_at("tmpfs", target, "tmpfs", MS_NOSUID, options.c_str());
}

Result<void> bind_source(const MountSource& source, const UniqueFd& target) {
  const UniqueFd root = TRY(open_file(source.root, O_PATH | O_DIRECTORY));
  const UniqueFd from = TRY(open_below(root.get(), source.path, O_PATH));
  return mount_at(by_descriptor(from).c_str(), target, nullptr, MS_BIND, nullptr);
}

/// The root of the new mount, opened while nothing lies on top of it.
Result<UniqueFd> mount_one(int root, const RunMount& mount, const MountSource& source) {
  const UniqueFd target = TRY(make_target(root, mount.target, source.kind));
  TRY(mount.kind == RunMount::Kind::Tmpfs ? mount_tmpfs(mount, target)
                                          : bind_source(source, target));
  return open_target(root, mount.target);
}

}  // namespace

Result<void> bind_mounts(RunContext& context) {
  const auto& mounts = context.spec->mounts;
  std::vector<UniqueFd> read_only;
  for (const std::size_t index : mount_order(mounts)) {
    const RunMount& mount = mounts[index];
    if (mount.target.empty()) continue;
    UniqueFd mounted = TRY_CONTEXT(
        mount_one(context.root, mount, context.sources->sources()[index]), mount.target);
    if (mount.read_only) read_only.push_back(std::move(mounted));
  }
  // Last: places for what is mounted inside have to be made first.
  for (const UniqueFd& mounted : read_only) TRY(make_read_only(mounted));
  return {};
}

}  // namespace imagebuild::sandbox
