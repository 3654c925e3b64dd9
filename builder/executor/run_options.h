// RUN's flags as the sandbox wants them: defaults filled in, paths made absolute, nothing looked up
// in a stage or on this machine. Pure.
#pragma once

#include <string>
#include <string_view>

#include "builder/dockerfile/instruction.h"
#include "builder/sandbox/run_spec.h"
#include "common/base/result.h"

namespace imagebuild::executor {

/// The network of one RUN in a build whose network is `build`. `host` is the builder's own network,
/// which `default` is here, too. InvalidInput: the build has none to give.
Result<Network> run_network(const dockerfile::Run& run, Network build);

/// A mount without what has to be looked up: trees, scratch directory, attachment. An Agent's
/// target may be empty: it is chosen when the mounts are counted. InvalidInput: the target is "/",
/// a secret's variable is no name.
Result<RunMount> plan_mount(const dockerfile::Mount& mount, std::string_view working_dir);

/// The name under which the build was given a secret, or an ssh agent.
std::string attachment_id(const dockerfile::Mount& mount);

/// A path that COPY's patterns take literally.
std::string literal_pattern(std::string_view path);

}  // namespace imagebuild::executor
