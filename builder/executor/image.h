// A finished image: the config and manifest that its layers make, as bytes, with what the report
// says about it.
#pragma once

#include <string>
#include <vector>

#include "builder/executor/options.h"
#include "builder/executor/stage_state.h"
#include "builder/store/blob_store.h"
#include "common/contract/build_report.h"
#include "common/oci/manifest.h"

namespace imagebuild::executor {

struct Image {
  oci::Digest digest;    ///< of the manifest
  std::string manifest;  ///< the documents, as they are pushed
  oci::Descriptor manifest_descriptor;
  std::string config;
  oci::Descriptor config_descriptor;
  std::vector<ImageLayer> layers;  ///< without those that turned out empty
  contract::PlatformReport report;
};

/// Waits for every layer of the stage. Steps that changed nothing have no layer
/// and an empty_layer history entry.
Result<Image> make_image(StageState state, const BuildOptions& options);

/// Writes the image into an OCI layout: made if missing, an existing one gains the image (a
/// manifest of the same tag is replaced). The index is renamed into place last, so that a reader
/// sees the old or the new state.
Result<void> write_layout(const Image& image, const LayoutOutput& output, const BlobStore& blobs);

/// Writes the image as one file, renamed into place when it is whole. Layers of an OCI archive are
/// as they were made, those of a Docker archive plain tar.
Result<void> write_archive(const Image& image, const ArchiveOutput& output, const BlobStore& blobs);

}  // namespace imagebuild::executor
