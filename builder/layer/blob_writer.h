// A layer on its way into the store, in one pass: tar bytes → diffID → compression → digest → blob
// file. Streaming: a few MiB a thread, whatever the layer's size.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "builder/layer/compression.h"
#include "builder/store/blob_store.h"
#include "common/oci/digest.h"

namespace imagebuild {

struct LayerBlob {
  oci::Digest digest;              // of the stored, compressed bytes
  oci::DiffId diff_id;             // of the tar
  std::uint64_t size = 0;          // stored bytes
  std::uint64_t uncompressed = 0;  // tar bytes
};

struct BlobWriterOptions {
  Compression compression = Compression::Gzip;
  GzipOptions gzip;
  ZstdOptions zstd;
};

/// Destroyed before finish(), it leaves nothing in the store. Move-only.
class BlobWriter {
 public:
  static Result<BlobWriter> start(BlobStore& store, BlobWriterOptions options = {});
  BlobWriter(BlobWriter&&) noexcept;
  BlobWriter& operator=(BlobWriter&&) noexcept;
  ~BlobWriter();

  Result<void> write(std::string_view tar_bytes);
  Result<LayerBlob> finish();
  /// write() as a sink; this object must outlive it and stay in place.
  ByteSink sink();

 private:
  struct State;
  explicit BlobWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace imagebuild
