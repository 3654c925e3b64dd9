// One RUN step from the worker's side: prepares the upper directory, starts the namespaces, waits
// until every process of the step is gone and says how it ended.
#pragma once

#include <vector>

#include "builder/sandbox/run_spec.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace imagebuild::sandbox {

/// clone(2) without a new stack: fork into new namespaces. Only for a single-threaded process.
Result<int> fork_into(unsigned long namespaces);

/// Runs in a mount namespace of its own, with the store as current directory. A failed run leaves
/// the upper directory in place; TreeWorker::remove() takes it away. `attachments`: what the spec's
/// mounts name by index.
Result<RunResult> run_command(const RunSpec& spec, UniqueFd output,
                              std::vector<UniqueFd> attachments);

}  // namespace imagebuild::sandbox
