// `imagebuild-builder build`: from flags or a BuildRequest to a build,
// its report and an exit status.
#pragma once

#include <string>
#include <vector>

#include "builder/registry_access.h"

namespace imagebuild {

/// The flags as written; empty means not given.
struct BuildFlags {
  std::string context = ".";
  std::string request;  ///< a file; excludes everything that it says itself
  std::string file, target, network, output, compression, isolation = "auto", timestamp, platform;
  std::vector<std::string> tags, build_args, labels, build_contexts, secrets, ssh;
  RegistryFlags registry;
  std::string cache_repo, cache_dir, step_timeout, report, progress = "auto", termination_log,
                                                           work_dir;
  bool no_cache = false;
};

/// 0 done; 1 the build failed; 2 usage; 3 configuration; 4 transient.
int build_command(const BuildFlags& flags);

/// `imagebuild-builder check`: 0, or 1 when the Dockerfile does not parse or a
/// check that counts as error failed; with `bases` also 3 or 4 when the registry does not answer.
struct CheckFlags {
  std::string context = ".", file, format = "text", target, platform;
  std::vector<std::string> build_args;
  bool bases = false;  ///< ask registries for slimmer bases
  RegistryFlags registry;
};
int check_command(const CheckFlags& flags);

/// `imagebuild-builder doctor`: 0 when a build can run here, else 3.
struct DoctorFlags {
  std::string format = "text", work_dir;
};
int doctor_command(const DoctorFlags& flags);

/// `imagebuild-builder install-profile FROM TO`: copies the seccomp profile to where the
/// kubelet reads it and stays, so that a DaemonSet can do it from an image without a
/// shell. `once`: return after copying.
struct InstallProfileFlags {
  std::string from, to;
  bool once = false;
};
int install_profile_command(const InstallProfileFlags& flags);

}  // namespace imagebuild
