#include "builder/executor/base_images.h"

#include <atomic>
#include <thread>

#include "builder/executor/stopwatch.h"
#include "builder/layer/compression.h"
#include "common/base/sha256.h"

namespace imagebuild::executor {
namespace {

// A small compressed layer must not fill the disk.
constexpr std::uint64_t kLargestLayer = std::uint64_t{256} << 30;

std::string layer_name(const BaseImage& image, std::size_t index) {
  return "layer " + image.resolved.manifest.layers[index].digest.hex12() + " of " +
         image.reference.familiar();
}

// Runs `work(i)` for i in [0, count) on up to two threads;
// the first error wins and later work is not started.
template <typename F>
Result<void> for_each_parallel(std::size_t count, F work) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::optional<Error> first_error;
  auto run = [&] {
    while (!failed) {
      std::size_t index = next++;
      if (index >= count) return;
      auto done = work(index);
      if (done) continue;
      failed = true;
      std::lock_guard lock(mutex);
      if (!first_error) first_error = std::move(done).error();
    }
  };
  {
    std::jthread second;
    if (count > 1) second = std::jthread(run);
    run();
  }
  if (first_error) return *first_error;
  return {};
}

// Hashes and passes on a decompressed layer; Transient-free: what is wrong here is the content.
Result<std::uint64_t> pour(ByteSource source, int tar_fd, const oci::DiffId& expected) {
  Sha256 hash;
  auto sink = sink_to_fd(tar_fd);
  std::uint64_t bytes_poured = TRY(pump(source, [&](std::string_view bytes) {
    hash.update(bytes);
    return sink(bytes);
  }));
  auto got = TRY(oci::DiffId::from_hex(hash.finish_hex()));
  if (got != expected)
    return fail(ErrorKind::InvalidInput, "the unpacked content is " + got.to_string() +
                                             ", its config says " + expected.to_string());
  return bytes_poured;
}

}  // namespace

Result<BaseImage*> BaseImages::open(const plan::ImageRef& asked) {
  plan::ImageRef image = asked;
  for (const auto& [name, meant] : parts_.named)
    if (!asked.reference.digest && name.name() == asked.reference.name() &&
        name.tag_or_latest() == asked.reference.tag_or_latest())
      image.reference = meant;
  std::string key = image.reference.to_string() + " " + image.platform.to_string();
  auto& slot = images_[key];
  if (slot) return slot.get();
  Stopwatch watch(seconds_);
  auto wanted = image.reference;
  for (const auto& pin : parts_.pinned)
    if (pin.ref == image.reference.to_string() && pin.platform == image.platform.to_string())
      wanted = wanted.with_digest(TRY(oci::Digest::parse(pin.digest)));
  auto found = std::make_unique<BaseImage>();
  found->reference = image.reference;
  found->platform = image.platform;
  found->resolved = TRY_CONTEXT(parts_.registry.resolve(wanted, image.platform),
                                "resolve " + image.reference.familiar());
  const auto& manifest = found->resolved.manifest;
  found->config = TRY_CONTEXT(parts_.registry.fetch_config(image.reference, manifest.config),
                              "config of " + image.reference.familiar());
  if (found->config.diff_ids.size() != manifest.layers.size())
    return fail(ErrorKind::InvalidInput, image.reference.familiar() + ": the manifest has " +
                                             std::to_string(manifest.layers.size()) +
                                             " layers, its config " +
                                             std::to_string(found->config.diff_ids.size()));
  const oci::Platform got{.os = found->config.os,
                          .architecture = found->config.architecture,
                          .variant = found->config.variant,
                          .os_version = ""};
  // An image that is a single manifest is taken as it is, as docker does; RUN may not work there.
  if (!oci::match_rank(image.platform, got))
    parts_.progress.warning("base " + image.reference.familiar() + " is " + got.to_string() +
                            ", not " + image.platform.to_string());
  parts_.progress.note("base " + image.reference.familiar() + " is " +
                       found->resolved.named_digest.to_string());
  slot = std::move(found);
  parts_.on_open(*slot);
  return slot.get();
}

Result<void> BaseImages::unpack(BaseImage& image) {
  if (image.unpacked) return {};
  Stopwatch watch(seconds_);
  const std::size_t count = image.resolved.manifest.layers.size();
  LowerList lowers;
  image.uncompressed.assign(count, 0);
  for (std::size_t i = 0; i < count; ++i) lowers.push_back(parts_.worker.new_layer());
  TRY(for_each_parallel(count, [&](std::size_t index) -> Result<void> {
    auto unpacked = TRY_CONTEXT(unpack_layer(image, index, lowers[index]),
                                "unpack " + layer_name(image, index));
    if (unpacked.skipped_devices > 0)
      parts_.progress.warning(layer_name(image, index) + ": " +
                              std::to_string(unpacked.skipped_devices) +
                              " device nodes left out (a user namespace cannot make them)");
    return {};
  }));
  for (std::size_t i = 0; i < count; ++i) {
    LowerList below(lowers.begin(), lowers.begin() + static_cast<std::ptrdiff_t>(i));
    TRY_CONTEXT(parts_.worker.settle(lowers[i], below, parts_.stop),
                "unpack " + layer_name(image, i));
  }
  image.lowers = std::move(lowers);
  image.unpacked = true;
  return {};
}

Result<void> BaseImages::fetch(const BaseImage& image, std::size_t index) {
  if (parts_.blobs.contains(image.resolved.manifest.layers[index].digest)) return {};
  return download(image, index, [](std::string_view) -> Result<void> { return {}; });
}

// Stores the blob and shows its bytes to `tap` on the way. A tap that fails does not stop the
// download: its error is the consumer's to report.
Result<void> BaseImages::download(const BaseImage& image, std::size_t index,
                                  const std::function<Result<void>(std::string_view)>& tap) {
  const auto& layer = image.resolved.manifest.layers[index];
  auto file = TRY(parts_.blobs.create());
  progress::Transfer transfer{.direction = progress::Transfer::Direction::Pull,
                              .what = layer_name(image, index),
                              .done = 0,
                              .total = layer.size};
  bool tap_open = true;
  TRY(parts_.registry.fetch_blob(image.reference, layer,
                                 [&](std::string_view bytes) -> Result<void> {
                                   TRY(file.write(bytes));
                                   if (tap_open) tap_open = tap(bytes).ok();
                                   transfer.done += bytes.size();
                                   parts_.progress.transfer(transfer);
                                   return {};
                                 }));
  (void)TRY(file.commit(layer.digest));
  return {};
}

// Three at work: a download into the blob store and a pipe, this thread decompressing and checking,
// the tree worker unpacking what comes out.
Result<UnpackResult> BaseImages::unpack_layer(BaseImage& image, std::size_t index, LayerId id) {
  const auto& layer = image.resolved.manifest.layers[index];
  auto compressed = TRY(make_pipe());
  auto tar = TRY(make_pipe());
  Result<void> downloaded;
  Result<UnpackResult> unpacked = UnpackResult{};
  Result<std::uint64_t> poured = std::uint64_t{0};
  {
    std::jthread download_thread, unpack_thread;
    ByteSource source;
    std::optional<BlobReader> stored;
    if (parts_.blobs.contains(layer.digest)) {
      stored = TRY(parts_.blobs.read(layer.digest));
      source = [&stored](std::span<char> buffer) { return stored->read(buffer); };
    } else {
      source = source_from_fd(compressed.read.get());
      download_thread = std::jthread([&] {
        downloaded = download(image, index, sink_to_fd(compressed.write.get()));
        compressed.write.reset();
      });
    }
    unpack_thread = std::jthread(
        [&] { unpacked = parts_.worker.unpack(id, std::move(tar.read), parts_.stop); });
    poured = pour(open_decompressor(std::move(source), kLargestLayer), tar.write.get(),
                  image.config.diff_ids[index]);
    tar.write.reset();
    compressed.read.reset();
  }
  // The first cause: a cut download shows as damaged content,
  // an unpacker that gave up as a broken pipe.
  if (!downloaded) return std::move(downloaded).error();
  if (!unpacked) return std::move(unpacked).error();
  if (!poured) return std::move(poured).error();
  image.uncompressed[index] = *poured;
  return unpacked;
}

std::vector<contract::Base> BaseImages::used() const {
  std::vector<contract::Base> used;
  for (const auto& [key, image] : images_)
    if (image)
      used.push_back({.ref = image->reference.to_string(),
                      .platform = image->platform.to_string(),
                      .digest = image->resolved.named_digest.to_string()});
  return used;
}

ImageLayer base_layer(const BaseImage& image, std::size_t index) {
  const auto& descriptor = image.resolved.manifest.layers[index];
  std::promise<Result<FinishedLayer>> known;
  known.set_value(FinishedLayer{.blob = {.digest = descriptor.digest,
                                         .diff_id = image.config.diff_ids[index],
                                         .size = descriptor.size}});
  std::string created_by;
  std::size_t position = 0;
  for (const auto& entry : image.config.history)
    if (!entry.empty_layer && position++ == index) created_by = entry.created_by;
  return {.base = &image,
          .base_index = index,
          .created_by = created_by,
          .finished = known.get_future().share()};
}

}  // namespace imagebuild::executor
