#include "builder/layer/blob_writer.h"

#include <optional>

namespace imagebuild {

struct BlobWriter::State {
  State(BlobFile blob, BlobWriterOptions options) : file(std::move(blob)) {
    auto to_file = [this](std::string_view bytes) { return file.write(bytes); };
    if (options.compression == Compression::Gzip)
      gzip.emplace(to_file, options.gzip);
    else if (options.compression == Compression::Zstd)
      zstd.emplace(to_file, options.zstd);
  }

  BlobFile file;
  Sha256 diff_id;
  std::uint64_t uncompressed = 0;
  std::optional<GzipCompressor> gzip;  // neither: stored as it is
  std::optional<ZstdCompressor> zstd;
};

Result<BlobWriter> BlobWriter::start(BlobStore& store, BlobWriterOptions options) {
  if (options.zstd.level < 1 || options.zstd.level > 19)
    return fail(ErrorKind::InvalidInput,
                "zstd level " + std::to_string(options.zstd.level) + " is not between 1 and 19");
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
  if (state_->gzip) return state_->gzip->write(tar_bytes);
  return state_->zstd ? state_->zstd->write(tar_bytes) : state_->file.write(tar_bytes);
}

Result<LayerBlob> BlobWriter::finish() {
  if (state_->gzip) TRY(state_->gzip->finish());
  if (state_->zstd) TRY(state_->zstd->finish());
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
