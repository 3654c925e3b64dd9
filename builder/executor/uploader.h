// Uploads layers while the build goes on: each as soon as it is known, two at a time. A layer that
// the repository has is skipped, one that another repository of the same registry has is mounted,
// and only then are bytes sent; a base layer is fetched for that only when it has to be.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "builder/executor/base_images.h"
#include "builder/executor/image_layer.h"
#include "builder/progress/progress.h"
#include "builder/store/blob_store.h"
#include "common/oci/reference.h"
#include "common/registry/client.h"

namespace imagebuild::executor {

struct UploadTotals {
  std::uint64_t pushed_bytes = 0;
  std::uint64_t skipped_bytes = 0;  ///< already there or mounted
};

class Uploader {
 public:
  struct Parts {
    registry::Client& registry;
    BlobStore& blobs;
    BaseImages& bases;
    progress::Progress& progress;
    oci::Reference target;
  };
  explicit Uploader(Parts parts);
  ~Uploader();  ///< waits for the upload that is running, drops the rest

  /// Never waits.
  void add(ImageLayer layer);
  /// Waits until everything added is at the registry. The first error ends it;
  /// later layers are not uploaded.
  Result<UploadTotals> finish();

 private:
  void work();
  Result<void> upload(const ImageLayer& layer);
  Result<void> send(const ImageLayer& layer, const LayerBlob& blob);

  Parts parts_;

  std::mutex mutex_;  // guards everything below but the threads
  std::condition_variable changed_;
  std::deque<ImageLayer> queue_;
  bool closed_ = false;
  UploadTotals totals_;
  std::optional<Error> error_;
  std::vector<std::jthread> threads_;
};

}  // namespace imagebuild::executor
