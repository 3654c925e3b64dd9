#include "builder/executor/layer_factory.h"

#include <thread>

#include "builder/layer/blob_writer.h"
#include "common/base/scope_exit.h"

namespace imagebuild::executor {

Result<MadeLayer> LayerFactory::from_tar(
    const LowerList& lowers, const std::function<Result<std::uint64_t>(const ByteSink&)>& write) {
  auto blob = TRY(BlobWriter::start(parts_.blobs, parts_.compression));
  auto pipe = TRY(make_pipe());
  LayerId id = parts_.worker.new_layer();
  Result<UnpackResult> unpacked = UnpackResult{};
  Result<std::uint64_t> written = std::uint64_t{0};
  bool pipe_broke = false;
  {
    std::jthread unpacking(
        [&] { unpacked = parts_.worker.unpack(id, std::move(pipe.read), parts_.stop); });
    auto to_pipe = [&, sink = sink_to_fd(pipe.write.get())](std::string_view bytes) {
      auto sent = sink(bytes);
      if (!sent) pipe_broke = true;
      return sent;
    };
    written = write(tee(blob.sink(), to_pipe));
    pipe.write.reset();
  }
  // A writer whose pipe broke failed because the unpacker did; an unpacker whose tar ended early,
  // because the writer did.
  if (!written && !(pipe_broke && !unpacked)) return std::move(written).error();
  if (!unpacked) return std::move(unpacked).error();
  TRY(parts_.worker.settle(id, lowers, parts_.stop));
  std::promise<Result<FinishedLayer>> finished;
  finished.set_value(FinishedLayer{.blob = TRY(blob.finish()), .empty = *written == 0});
  return MadeLayer{id, false, finished.get_future().share()};
}

MadeLayer LayerFactory::from_upper(LowerList lowers, LayerId upper) {
  auto future = std::async(std::launch::async,
                           [this, lowers = std::move(lowers), upper]() -> Result<FinishedLayer> {
                             background_.acquire();
                             ScopeExit release([this] { background_.release(); });
                             return pack_upper(lowers, upper);
                           });
  return {upper, true, future.share()};
}

Result<FinishedLayer> LayerFactory::pack_upper(const LowerList& lowers, LayerId upper) {
  auto blob = TRY(BlobWriter::start(parts_.blobs, parts_.compression));
  auto pipe = TRY(make_pipe());
  Result<DiffSummary> diffed = DiffSummary{};
  Result<std::uint64_t> pumped = std::uint64_t{0};
  {
    std::jthread diffing([&] {
      diffed = parts_.worker.diff(lowers, upper, {.clamp_mtime = parts_.clamp_mtime},
                                  std::move(pipe.write), parts_.stop);
    });
    pumped = pump(source_from_fd(pipe.read.get()), blob.sink());
    pipe.read.reset();
  }
  if (!pumped) return std::move(pumped).error();
  if (!diffed) return std::move(diffed).error();
  return FinishedLayer{.blob = TRY(blob.finish()),
                       .empty = diffed->entries + diffed->whiteouts == 0};
}

}  // namespace imagebuild::executor
