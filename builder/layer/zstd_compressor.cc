#include <zstd.h>

#include <algorithm>
#include <string>

#include "builder/layer/compression.h"

namespace imagebuild {

namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

// Fixed, so that the bytes do not depend on the number of threads.
constexpr int kJobBytes = 2 << 20;

}  // namespace

struct ZstdCompressor::State {
  State(ByteSink bytes, ZstdOptions options)
      : sink(std::move(bytes)), output(ZSTD_CStreamOutSize(), '\0') {
    if (!context) return;
    auto set = [&](ZSTD_cParameter parameter, int value) {
      return !ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), parameter, value));
    };
    usable = set(ZSTD_c_compressionLevel, options.level) && set(ZSTD_c_checksumFlag, 1) &&
             set(ZSTD_c_nbWorkers, std::max(1, static_cast<int>(options.threads))) &&
             set(ZSTD_c_jobSize, kJobBytes);
  }

  Result<void> push(std::string_view bytes, ZSTD_EndDirective directive);

  ByteSink sink;
  std::unique_ptr<ZSTD_CCtx, FreeContext> context{ZSTD_createCCtx()};
  std::string output;
  bool usable = false;
};

Result<void> ZstdCompressor::State::push(std::string_view bytes, ZSTD_EndDirective directive) {
  if (!usable) return fail(ErrorKind::Internal, "zstd: cannot compress (level, threads or memory)");
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    const std::size_t left = ZSTD_compressStream2(context.get(), &out, &in, directive);
    if (ZSTD_isError(left))
      return fail(ErrorKind::Internal, std::string("zstd: ") + ZSTD_getErrorName(left));
    if (out.pos > 0) {
      if (auto written = sink({output.data(), out.pos}); !written) {
        usable = false;
        return written;
      }
    }
    const bool done = directive == ZSTD_e_end ? left == 0 : in.pos == in.size;
    if (done) return {};
  }
}

ZstdCompressor::ZstdCompressor(ByteSink sink, ZstdOptions options)
    : state_(std::make_unique<State>(std::move(sink), options)) {}
ZstdCompressor::ZstdCompressor(ZstdCompressor&&) noexcept = default;
ZstdCompressor& ZstdCompressor::operator=(ZstdCompressor&&) noexcept = default;
ZstdCompressor::~ZstdCompressor() = default;

Result<void> ZstdCompressor::write(std::string_view bytes) {
  return bytes.empty() ? Result<void>{} : state_->push(bytes, ZSTD_e_continue);
}
Result<void> ZstdCompressor::finish() { return state_->push({}, ZSTD_e_end); }

}  // namespace imagebuild
