// The images that stages stand on: resolved once each, their layers fetched and unpacked only when
// something needs the files (a FROM with nothing but metadata after it downloads no layer for its
// tree), several layers at once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "builder/executor/image_layer.h"
#include "builder/plan/plan.h"
#include "builder/progress/progress.h"
#include "builder/sandbox/tree_worker.h"
#include "builder/store/blob_store.h"
#include "common/contract/build_request.h"
#include "common/registry/client.h"

namespace imagebuild::executor {

struct BaseImage {
  oci::Reference reference;  ///< as the Dockerfile names it
  oci::Platform platform;
  registry::ResolvedImage resolved;
  oci::ImageConfig config;
  LowerList lowers;                         ///< once unpacked, bottom first
  std::vector<std::uint64_t> uncompressed;  ///< tar bytes of each layer, once unpacked
  bool unpacked = false;
};

class BaseImages {
 public:
  struct Parts {
    registry::Client& registry;
    BlobStore& blobs;
    TreeWorker& worker;
    progress::Progress& progress;
    std::vector<contract::Base> pinned;
    std::vector<std::pair<oci::Reference, oci::Reference>> named;  ///< what a name means instead
    std::stop_token stop;
    /// Told of each image once it is resolved; nothing is unpacked then.
    std::function<void(const BaseImage&)> on_open = [](const BaseImage&) {};
  };
  explicit BaseImages(Parts parts) : parts_(std::move(parts)) {}

  /// Resolves the image, or returns the one resolved before. The pointer stays valid.
  /// NotFound, Denied, Transient.
  Result<BaseImage*> open(const plan::ImageRef& asked);
  /// Fetches and unpacks every layer, if that has not happened yet.
  Result<void> unpack(BaseImage& image);
  /// The blob of layer `index` in the blob store, fetched if need be.
  Result<void> fetch(const BaseImage& image, std::size_t index);
  /// What was used, for the report.
  std::vector<contract::Base> used() const;
  /// Seconds spent on resolving, fetching and unpacking.
  double seconds() const { return seconds_; }

 private:
  Result<UnpackResult> unpack_layer(BaseImage& image, std::size_t index, LayerId id);
  Result<void> download(const BaseImage& image, std::size_t index,
                        const std::function<Result<void>(std::string_view)>& tap);

  Parts parts_;
  std::map<std::string, std::unique_ptr<BaseImage>> images_;  // by reference and platform
  double seconds_ = 0;
};

/// Layer `index` of a base as a layer of the image that stands on it.
ImageLayer base_layer(const BaseImage& image, std::size_t index);

}  // namespace imagebuild::executor
