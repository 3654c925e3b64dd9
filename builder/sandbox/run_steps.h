// RUN's inside: what the first process of the new namespaces does, as tables of named steps.
//
// setup_root() turns fresh namespaces into the stage's root: overlay, /proc, /sys, /dev, the
// builder's resolv.conf, hosts and hostname, pivot_root. become_command() then gives up every
// privilege that a build step must not have and executes the command. Nothing here returns to the
// worker: results are messages.
#pragma once

#include <string>
#include <vector>

#include "builder/sandbox/mount_sources.h"
#include "builder/sandbox/run_spec.h"
#include "builder/sandbox/scaffold.h"
#include "common/base/result.h"

namespace imagebuild::sandbox {

/// A file of /etc that RUN sees instead of the image's, on a tmpfs:
/// what RUN writes to it is gone afterwards.
struct BoundFile {
  std::string path;
  std::string content;
};

/// resolv.conf, hosts and hostname as `spec` and the builder's own files say.
std::vector<BoundFile> bound_files(const RunSpec& spec);
/// The lines of /etc/hosts: `base`, then `hostname` unless it is empty, then the extra entries.
std::string hosts_content(std::string base, const std::string& hostname,
                          const std::vector<HostEntry>& extra);

/// All the mount points RUN needs in its tree. `sources`: one for each of the spec's mounts.
std::vector<MountPoint> mount_points(const std::vector<BoundFile>& files, const RunSpec& spec,
                                     const std::vector<MountSource>& sources);

struct RunContext {
  const RunSpec* spec = nullptr;
  bool scaffold = false;
  const MountSources* sources = nullptr;
  std::vector<BoundFile> files;
  ProcMount proc = ProcMount::Fresh;  ///< out
  int root = -1;                      ///< descriptor of the merged tree while it is being set up
};

/// The error names the step: "mount /proc: Operation not permitted".
Result<void> setup_root(RunContext& context);

/// The step of setup_root() for RUN --mount. The error names the target.
Result<void> bind_mounts(RunContext& context);

/// Replaces the calling process; returns only when that failed. `output` becomes stdout and stderr.
struct NotStarted {
  int exit_code = 127;  ///< as a shell would say: 127 not found, 126 found and not executable
  std::string message;
};
/// An Error is a failed step of ours, NotStarted is the command's own fault.
Result<NotStarted> become_command(const RunSpec& spec, int output);

}  // namespace imagebuild::sandbox
