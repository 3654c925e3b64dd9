// Makes the own layers of an image: from a tar that somebody writes (COPY, WORKDIR), or from what
// RUN left in an overlay upper directory. Both end as a blob in the store and a directory in the
// tree worker; compression of a RUN's diff goes on in the background while the next step already
// stands on it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <semaphore>
#include <stop_token>

#include "builder/executor/image_layer.h"
#include "builder/sandbox/tree_worker.h"
#include "builder/store/blob_store.h"
#include "common/archive/byte_stream.h"

namespace imagebuild::executor {

/// A layer as the stage sees it: its directory, usable at once, and its blob, some time later.
struct MadeLayer {
  LayerId id;
  bool from_upper = false;
  std::shared_future<Result<FinishedLayer>> finished;
};

class LayerFactory {
 public:
  struct Parts {
    BlobStore& blobs;
    TreeWorker& worker;
    BlobWriterOptions compression;
    std::optional<std::int64_t> clamp_mtime;  ///< for RUN's files
    std::stop_token stop;
  };
  explicit LayerFactory(Parts parts) : parts_(std::move(parts)) {}

  /// `write` produces the tar (end marker included) and returns how many entries it has; they go to
  /// the blob and to a new directory on top of `lowers` in one pass.
  Result<MadeLayer> from_tar(const LowerList& lowers,
                             const std::function<Result<std::uint64_t>(const ByteSink&)>& write);

  /// The changes that RUN left in `upper`; returns at once.
  MadeLayer from_upper(LowerList lowers, LayerId upper);

 private:
  Result<FinishedLayer> pack_upper(const LowerList& lowers, LayerId upper);

  Parts parts_;
  std::counting_semaphore<16> background_{2};  // diffs at work at once
};

}  // namespace imagebuild::executor
