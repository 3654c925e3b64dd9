// The system-call filter of RUN: what a container engine denies to an unprivileged container is
// EPERM here too, so a Dockerfile that builds there builds here, and nothing of the kernel's mount,
// namespace, module, tracing or keyring interfaces is within a build step's reach.
#pragma once

#include "common/base/result.h"

namespace imagebuild::sandbox {

/// Loads the filter into the calling thread, for good. Needs CAP_SYS_ADMIN in its user namespace:
/// it does not set no-new-privileges, which would break set-uid programs that a step may use.
Result<void> load_run_filter();

}  // namespace imagebuild::sandbox
