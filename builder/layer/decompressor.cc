#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "builder/layer/compression.h"

namespace imagebuild {

namespace {

constexpr std::size_t kInputBytes = 256 << 10;
// A zstd frame names its own window, up to 2 GiB: 128 MiB is what registries'
// clients accept (zstd --ultra).
constexpr int kWindowLogMax = 27;

struct FreeZstd {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

/// Everything behind one decompressing source.
class Decompressor {
 public:
  Decompressor(ByteSource compressed, std::uint64_t limit)
      : source_(std::move(compressed)), limit_(limit) {}

  Result<std::size_t> read(std::span<char> out);

 private:
  Result<void> start();
  Result<void> refill();
  Result<std::size_t> gunzip(std::span<char> out);
  Result<std::size_t> unzstd(std::span<char> out);
  Result<std::size_t> copy(std::span<char> out);
  Result<bool> next_member();
  std::string_view left() const { return {input_.data() + begin_, end_ - begin_}; }
  void take(std::size_t n) { begin_ += n; }

  ByteSource source_;
  std::uint64_t limit_;
  std::uint64_t total_ = 0;
  bool started_ = false;
  bool between_members_ = false;  // a gzip member or zstd frame is complete
  Compression format_ = Compression::None;
  std::vector<char> input_ = std::vector<char>(kInputBytes);
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool source_ended_ = false;
  std::unique_ptr<inflate_state> inflate_;
  std::unique_ptr<ZSTD_DCtx, FreeZstd> zstd_;
};

Result<void> Decompressor::refill() {
  if (source_ended_) return {};
  std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  std::size_t n = TRY(source_(std::span(input_).subspan(end_)));
  end_ += n;
  source_ended_ = n == 0;
  return {};
}

Result<void> Decompressor::start() {
  started_ = true;
  while (left().size() < 4 && !source_ended_) TRY(refill());
  format_ = detect_compression(left());
  if (format_ == Compression::Gzip) {
    inflate_ = std::make_unique<inflate_state>();
    isal_inflate_init(inflate_.get());
    inflate_->crc_flag = ISAL_GZIP;  // parses headers, checks CRC and length
  } else if (format_ == Compression::Zstd) {
    zstd_.reset(ZSTD_createDCtx());
    if (!zstd_) return fail(ErrorKind::Transient, "zstd: out of memory");
    ZSTD_DCtx_setParameter(zstd_.get(), ZSTD_d_windowLogMax, kWindowLogMax);
  }
  return {};
}

/// After a gzip member: true when another one follows, false at the end (zero padding is allowed).
Result<bool> Decompressor::next_member() {
  while (left().size() < 2 && !source_ended_) TRY(refill());
  if (left().size() >= 2 && left()[0] == '\x1f' && left()[1] == '\x8b') {
    isal_inflate_reset(inflate_.get());
    inflate_->crc_flag = ISAL_GZIP;
    between_members_ = false;
    return true;
  }
  for (;;) {
    if (left().find_first_not_of('\0') != std::string_view::npos)
      return fail(ErrorKind::InvalidInput, "gzip: garbage after the end");
    take(left().size());
    if (source_ended_) return false;
    TRY(refill());
  }
}

Result<std::size_t> Decompressor::gunzip(std::span<char> out) {
  for (;;) {
    if (between_members_ && !TRY(next_member())) return std::size_t{0};
    if (left().empty() && !source_ended_) TRY(refill());
    inflate_->next_in = reinterpret_cast<std::uint8_t*>(input_.data() + begin_);
    inflate_->avail_in = static_cast<std::uint32_t>(left().size());
    inflate_->next_out = reinterpret_cast<std::uint8_t*>(out.data());
    inflate_->avail_out = static_cast<std::uint32_t>(std::min<std::size_t>(out.size(), 1u << 30));
    const std::uint32_t room = inflate_->avail_out;
    const std::uint32_t given = inflate_->avail_in;
    int status = isal_inflate(inflate_.get());
    if (status != ISAL_DECOMP_OK && status != ISAL_END_INPUT)
      return fail(ErrorKind::InvalidInput, status == ISAL_INCORRECT_CHECKSUM
                                               ? "gzip: checksum differs"
                                               : "gzip: damaged data");
    begin_ = end_ - inflate_->avail_in;
    between_members_ = inflate_->block_state == ISAL_BLOCK_FINISH;
    const std::size_t produced = room - inflate_->avail_out;
    if (produced > 0) return produced;
    if (!between_members_ && source_ended_ && given == inflate_->avail_in)
      return fail(ErrorKind::InvalidInput, "gzip: truncated");
  }
}

Result<std::size_t> Decompressor::unzstd(std::span<char> out) {
  for (;;) {
    if (left().empty() && !source_ended_) TRY(refill());
    if (left().empty() && between_members_) return std::size_t{0};
    ZSTD_inBuffer in{input_.data() + begin_, left().size(), 0};
    ZSTD_outBuffer produced{out.data(), out.size(), 0};
    std::size_t status = ZSTD_decompressStream(zstd_.get(), &produced, &in);
    if (ZSTD_isError(status))
      return fail(ErrorKind::InvalidInput, std::string("zstd: ") + ZSTD_getErrorName(status));
    take(in.pos);
    between_members_ = status == 0;
    if (produced.pos > 0) return produced.pos;
    if (!between_members_ && source_ended_ && in.pos == 0)
      return fail(ErrorKind::InvalidInput, "zstd: truncated");
  }
}

Result<std::size_t> Decompressor::copy(std::span<char> out) {
  if (left().empty() && !source_ended_) TRY(refill());
  std::size_t n = std::min(left().size(), out.size());
  std::memcpy(out.data(), left().data(), n);
  take(n);
  return n;
}

Result<std::size_t> Decompressor::read(std::span<char> out) {
  if (out.empty()) return std::size_t{0};
  if (!started_) TRY(start());
  auto n = format_ == Compression::Gzip   ? gunzip(out)
           : format_ == Compression::Zstd ? unzstd(out)
                                          : copy(out);
  if (!n) return n;
  total_ += *n;
  if (total_ > limit_)
    return fail(ErrorKind::InvalidInput,
                "layer holds more than " + std::to_string(limit_) + " bytes");
  return n;
}

}  // namespace

Compression detect_compression(std::string_view first_bytes) {
  if (first_bytes.starts_with(std::string_view("\x1f\x8b", 2))) return Compression::Gzip;
  if (first_bytes.starts_with(std::string_view("\x28\xb5\x2f\xfd", 4))) return Compression::Zstd;
  // A skippable frame (zstd:chunked, pzstd) may come first: 0x184D2A50 to …5F, little endian.
  if (first_bytes.size() >= 4 && (first_bytes[0] & 0xf0) == 0x50 &&
      first_bytes.substr(1, 3) == "\x2a\x4d\x18")
    return Compression::Zstd;
  return Compression::None;
}

ByteSource open_decompressor(ByteSource compressed, std::uint64_t limit) {
  // Shared because std::function is copyable; there is one reader.
  auto state = std::make_shared<Decompressor>(std::move(compressed), limit);
  return [state](std::span<char> out) { return state->read(out); };
}

}  // namespace imagebuild
