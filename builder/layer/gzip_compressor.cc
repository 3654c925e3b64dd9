#include <libdeflate.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "builder/layer/compression.h"

namespace imagebuild {

namespace {

constexpr std::size_t kBlockBytes = 1 << 20;

struct FreeDeflate {
  void operator()(libdeflate_compressor* compressor) const {
    libdeflate_free_compressor(compressor);
  }
};
using Deflate = std::unique_ptr<libdeflate_compressor, FreeDeflate>;

struct Block {
  std::string input;
  std::string output;  // a gzip member; empty: compression failed
  bool done = false;   // guarded by State::mutex
};

/// libdeflate writes a header without name and with mtime 0:
/// the member depends on input and level only.
void compress(libdeflate_compressor* deflate, Block& block) {
  block.output.resize(
      deflate == nullptr ? 0 : libdeflate_gzip_compress_bound(deflate, block.input.size()));
  if (deflate == nullptr) return;
  block.output.resize(libdeflate_gzip_compress(deflate, block.input.data(), block.input.size(),
                                               block.output.data(), block.output.size()));
}

}  // namespace

struct GzipCompressor::State {
  State(ByteSink bytes, GzipOptions choice) : sink(std::move(bytes)), options(choice) {
    current->input.reserve(kBlockBytes);
    if (options.threads <= 1) own.reset(libdeflate_alloc_compressor(options.level));
    for (unsigned i = 0; options.threads > 1 && i < options.threads; ++i)
      threads.emplace_back([this](std::stop_token stop) { work(stop); });
  }

  ByteSink sink;
  GzipOptions options;
  Deflate own;  // when there are no threads
  std::unique_ptr<Block> current = std::make_unique<Block>();
  std::deque<std::unique_ptr<Block>> in_flight;  // the caller's: in order of input
  bool wrote_any = false;

  std::mutex mutex;
  std::condition_variable_any work_ready;
  std::condition_variable block_done;
  std::deque<Block*> todo;  // guarded by mutex; the blocks live in in_flight

  std::vector<std::jthread> threads;  // last: they stop before what they use goes away

  void work(std::stop_token stop);
  Result<void> submit();
  Result<void> emit(std::unique_ptr<Block> block);
  Result<void> emit_oldest();
};

void GzipCompressor::State::work(std::stop_token stop) {
  Deflate deflate(libdeflate_alloc_compressor(options.level));
  for (;;) {
    Block* block = nullptr;
    {
      std::unique_lock lock(mutex);
      if (!work_ready.wait(lock, stop, [&] { return !todo.empty(); })) return;
      block = todo.front();
      todo.pop_front();
    }
    compress(deflate.get(), *block);
    std::lock_guard lock(mutex);
    block->done = true;
    block_done.notify_one();
  }
}

Result<void> GzipCompressor::State::emit(std::unique_ptr<Block> block) {
  if (block->output.empty())
    return fail(ErrorKind::Internal, "gzip: cannot compress (level or memory)");
  TRY(sink(block->output));
  block->input.clear();
  block->done = false;
  current = std::move(block);  // its buffers are used again
  return {};
}

Result<void> GzipCompressor::State::emit_oldest() {
  {
    std::unique_lock lock(mutex);
    block_done.wait(lock, [&] { return in_flight.front()->done; });
  }
  auto block = std::move(in_flight.front());
  in_flight.pop_front();
  return emit(std::move(block));
}

/// Hands the current block on and leaves an empty one in its place.
Result<void> GzipCompressor::State::submit() {
  wrote_any = true;
  if (threads.empty()) {
    compress(own.get(), *current);
    return emit(std::move(current));
  }
  in_flight.push_back(std::move(current));
  {
    std::lock_guard lock(mutex);
    todo.push_back(in_flight.back().get());
  }
  work_ready.notify_one();
  if (in_flight.size() > options.threads) return emit_oldest();
  current = std::make_unique<Block>();
  current->input.reserve(kBlockBytes);
  return {};
}

GzipCompressor::GzipCompressor(ByteSink sink, GzipOptions options)
    : state_(std::make_unique<State>(std::move(sink), options)) {}
GzipCompressor::GzipCompressor(GzipCompressor&&) noexcept = default;
GzipCompressor& GzipCompressor::operator=(GzipCompressor&&) noexcept = default;
GzipCompressor::~GzipCompressor() = default;

Result<void> GzipCompressor::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!state_->current) return fail(ErrorKind::Internal, "gzip: written to after an error");
    std::string& input = state_->current->input;
    std::size_t n = std::min(bytes.size(), kBlockBytes - input.size());
    input.append(bytes.substr(0, n));
    bytes.remove_prefix(n);
    if (input.size() == kBlockBytes) TRY(state_->submit());
  }
  return {};
}

Result<void> GzipCompressor::finish() {
  if (!state_->current) return fail(ErrorKind::Internal, "gzip: finished after an error");
  // No bytes at all are one empty member: an empty file is no gzip.
  if (!state_->current->input.empty() || !state_->wrote_any) TRY(state_->submit());
  while (!state_->in_flight.empty()) TRY(state_->emit_oldest());
  return {};
}

}  // namespace imagebuild
