// What one build is asked to do, after command line or BuildRequest have been read: plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "builder/layer/blob_writer.h"
#include "builder/sandbox/run_spec.h"
#include "common/api/budget.h"
#include "common/base/clock.h"
#include "common/contract/build_request.h"
#include "common/oci/platform.h"
#include "common/oci/reference.h"

namespace imagebuild::executor {

/// Push to these references; the first is the immutable tag where there is one,
/// and all name one repository.
struct RegistryOutput {
  std::vector<oci::Reference> references;
};
/// An OCI image layout in a directory; `tag` becomes org.opencontainers.image.ref.name.
struct LayoutOutput {
  std::string directory;
  std::string tag;
};
/// One file, which skopeo, podman and containerd read, and docker the second kind.
struct ArchiveOutput {
  enum class Format { Oci, Docker };
  Format format = Format::Oci;
  std::string path;
  std::vector<oci::Reference> references;  ///< the image's names in it; may be empty
};
/// Build and measure, keep nothing.
struct NoOutput {};
using Output = std::variant<RegistryOutput, LayoutOutput, ArchiveOutput, NoOutput>;

struct BuildOptions {
  std::string target;
  std::map<std::string, std::string> build_args;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;  ///< of the manifest
  oci::Platform platform;                          ///< empty os: this machine's
  Network network = Network::Default;
  std::vector<HostEntry> extra_hosts;
  std::map<std::string, std::string> secrets;     ///< RUN --mount=type=secret: id to value
  std::map<std::string, std::string> ssh_agents;  ///< RUN --mount=type=ssh: id to agent's socket
  std::optional<Duration> step_timeout;           ///< of one RUN
  std::string cache_dir;  ///< keeps the caches of RUN --mount=type=cache; empty: they end with us
  Output output = NoOutput{};
  api::Budget budget;                ///< with Block, tags of an image that exceeds it are not moved
  std::uint64_t baseline_bytes = 0;  ///< what the growth is measured against; 0: nothing yet
  std::string revision;  ///< how the source was named when its commit was resolved; empty: as the
                         ///< context names it
  /// What names of images mean instead: --build-context NAME=docker-image://REF.
  std::vector<std::pair<oci::Reference, oci::Reference>> named_images;
  std::vector<contract::Base> pinned_bases;  ///< use these digests where the reference matches

  /// Seconds for config.created, history and what COPY and WORKDIR write.
  std::int64_t created = 0;
  /// The time was asked for explicitly: RUN's files are clamped to it too,
  /// and RUN gets SOURCE_DATE_EPOCH.
  bool clamp_run = false;

  BlobWriterOptions compression;
  std::string work_dir;  ///< exists; holds blobs and unpacked trees while the build runs
  bool leave_trees =
      false;  ///< unpacked trees stay behind: the volume that holds them goes with the pod
};

}  // namespace imagebuild::executor
