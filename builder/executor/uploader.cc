#include "builder/executor/uploader.h"

namespace imagebuild::executor {

Uploader::Uploader(Parts parts) : parts_(std::move(parts)) {
  for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { work(); });
}

Uploader::~Uploader() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  queue_.clear();
  changed_.notify_all();
}

void Uploader::add(ImageLayer layer) {
  std::lock_guard lock(mutex_);
  queue_.push_back(std::move(layer));
  changed_.notify_one();
}

Result<UploadTotals> Uploader::finish() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  threads_.clear();  // joins
  std::lock_guard lock(mutex_);
  if (error_) return *error_;
  return totals_;
}

void Uploader::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closed_ || !queue_.empty(); });
    if (queue_.empty()) return;
    ImageLayer layer = std::move(queue_.front());
    queue_.pop_front();
    if (error_) continue;
    lock.unlock();
    auto done = upload(layer);
    lock.lock();
    if (!done && !error_) error_ = std::move(done).error();
  }
}

Result<void> Uploader::upload(const ImageLayer& layer) {
  const auto& finished = layer.finished.get();
  if (!finished) return {};  // the build itself reports a layer that could not be made
  if (finished->empty) return {};
  const LayerBlob& blob = finished->blob;
  auto what = "push " + parts_.target.name() + ": layer " + blob.digest.hex12();
  bool there = TRY_CONTEXT(parts_.registry.blob_exists(parts_.target, blob.digest), what);
  if (!there && layer.base != nullptr && layer.base->reference.registry == parts_.target.registry)
    there = TRY_CONTEXT(
        parts_.registry.mount_blob(parts_.target, blob.digest, layer.base->reference), what);
  if (!there) TRY_CONTEXT(send(layer, blob), what);
  parts_.progress.transfer(
      {.direction = progress::Transfer::Direction::Push,
       .what = "layer " + blob.digest.hex12() + (there ? " (already there)" : ""),
       .done = blob.size,
       .total = blob.size});
  std::lock_guard lock(mutex_);
  (there ? totals_.skipped_bytes : totals_.pushed_bytes) += blob.size;
  return {};
}

Result<void> Uploader::send(const ImageLayer& layer, const LayerBlob& blob) {
  if (layer.base != nullptr) TRY(parts_.bases.fetch(*layer.base, layer.base_index));
  auto source = TRY(registry::BlobSource::from_file(parts_.blobs.path_of(blob.digest)));
  return parts_.registry.upload_blob(parts_.target, blob.digest, source);
}

}  // namespace imagebuild::executor
