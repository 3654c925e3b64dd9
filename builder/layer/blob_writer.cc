#include "builder/layer/blob_writer.h"

#include <optional>

namespace imagebuild {

struct BlobWriter::State {
  State(BlobFile blob, BlobWriterOptions options) : file(std::move(blob)) {
    if (options.compression == Compression::Gzip)
      gzip.emplace([this](std::string_view bytes) { return file.write(bytes); }, options.gzip);
  }

  BlobFile file;
  Sha256 diff_id;
  std::uint64_t uncompressed = 0;
  std::optional<GzipCompressor> gzip;  // nullopt: stored as it is
};

Result<BlobWriter> BlobWriter::start(BlobStore& store, BlobWriterOptions options) {
  if (options.compression == Compression::Zstd)
    return fail(ErrorKind::InvalidInput,
                "compression zstd is not supported for layers that are written");
  if (options.gzip.level < 1 || options.gzip.level > 12)
    return fail(ErrorKind::InvalidInput,
                "gzip level " + std::to_string(options.gzip.level) + " is not between 1 and 12");
  return BlobWriter(std::make_unique<State>(TRY(store.create()), options));
}

BlobWriter::BlobWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
BlobWriter::BlobWriter(BlobWriter&&) noexcept = default;
BlobWriter& BlobWriter::operator=(BlobWriter&&) noexcept = default;
BlobWriter::~BlobWriter() = default;

Result<void> BlobWriter::write(std::string_view tar_bytes) {
  state_->diff_id.update(tar_bytes);
  state_->uncompressed += tar_bytes.size();
  return state_->gzip ? state_->gzip->write(tar_bytes) : state_->file.write(tar_bytes);
}

Result<LayerBlob> BlobWriter::finish() {
  if (state_->gzip) TRY(state_->gzip->finish());
  LayerBlob blob;
  blob.size = state_->file.size();
  blob.uncompressed = state_->uncompressed;
  blob.digest = TRY(state_->file.commit());
  blob.diff_id = TRY(oci::DiffId::from_hex(state_->diff_id.finish_hex()));
  return blob;
}

ByteSink BlobWriter::sink() {
  return [this](std::string_view bytes) { return write(bytes); };
}

}  // namespace imagebuild
