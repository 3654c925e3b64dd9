#include "common/registry/blob_download.h"

#include <algorithm>
#include <charconv>

#include "common/registry/errors.h"

namespace imagebuild::registry {
namespace {

constexpr std::uint64_t kProgress = 1u
                                    << 20;  // a connection that brings this much is no failing one

// The first position of "bytes 100-199/200".
std::optional<std::uint64_t> range_start(const http::Headers& headers) {
  constexpr std::string_view kUnit = "bytes ";
  std::string text = headers.find("Content-Range").value_or("");
  if (!text.starts_with(kUnit)) return std::nullopt;
  std::uint64_t start = 0;
  auto [end, error] = std::from_chars(text.data() + kUnit.size(), text.data() + text.size(), start);
  if (error != std::errc() || end == text.data() + text.size() || *end != '-') return std::nullopt;
  return start;
}

}  // namespace

Result<void> BlobDownload::run(const Endpoint& endpoint) {
  Retry retry(carrier_.policy(), carrier_.stop());
  for (;;) {
    std::uint64_t before = received_;
    auto result = attempt(endpoint);
    if (result) return verify();
    // Without a body the transport has already tried often enough.
    bool was_cut = result.error().kind == ErrorKind::Transient && body_began_ && !fatal_;
    if (!was_cut) return result;
    if (received_ - before >= kProgress) retry.progressed();
    if (!retry.again()) return result;
    carrier_.log().warn(
        "download was cut, going on",
        {{"digest", blob_.digest.to_string()}, {"received", received_}, {"size", blob_.size}});
  }
}

Result<void> BlobDownload::attempt(const Endpoint& endpoint) {
  body_began_ = false;
  skip_ = 0;
  if (received_ == blob_.size && blob_.size > 0) return {};
  Call call;
  call.request.url = endpoint.url(repository_, "blobs/" + blob_.digest.to_string());
  call.request.headers.add("Accept-Encoding", "identity");
  if (received_ > 0) call.request.headers.add("Range", "bytes=" + std::to_string(received_) + "-");
  call.request.sink = [this](const http::Response& head, std::string_view bytes) {
    return take(head, bytes);
  };
  auto answer = session_.send(endpoint, Access::pull(endpoint.repository(repository_)), call);
  if (fatal_) return *fatal_;
  if (!answer) return std::move(answer).error();
  if (!answer->response.ok()) return error_of(answer->response);
  if (received_ == blob_.size) return {};
  body_began_ = true;  // an empty one, but a response
  return fail(ErrorKind::Transient, "the body ended after " + std::to_string(received_) + " of " +
                                        std::to_string(blob_.size) + " bytes");
}

Result<void> BlobDownload::begin_body(const http::Response& head) {
  body_began_ = true;
  skip_ = received_;
  if (head.status != 206) return {};
  auto start = range_start(head.headers);
  if (!start || *start > received_)
    return fail(ErrorKind::Internal, "the registry answers with another range than asked for");
  skip_ = received_ - *start;
  return {};
}

Result<void> BlobDownload::take(const http::Response& head, std::string_view bytes) {
  if (!body_began_) TRY(begin_body(head));
  auto skipped = std::min<std::uint64_t>(skip_, bytes.size());
  bytes.remove_prefix(skipped);
  skip_ -= skipped;
  if (bytes.empty()) return {};
  if (bytes.size() > blob_.size - received_) {
    fatal_ =
        fail(ErrorKind::InvalidInput, "the registry sends more than the " +
                                          std::to_string(blob_.size) + " bytes of the descriptor");
    return *fatal_;
  }
  if (auto result = sink_(bytes); !result) {
    fatal_ = std::move(result).error();
    return *fatal_;
  }
  hash_.update(bytes);
  received_ += bytes.size();
  return {};
}

Result<void> BlobDownload::verify() {
  auto got = TRY(oci::Digest::from_hex(hash_.finish_hex()));
  if (got == blob_.digest) return {};
  fatal_ = fail(ErrorKind::InvalidInput,
                "asked for " + blob_.digest.to_string() + ", got " + got.to_string());
  return *fatal_;
}

}  // namespace imagebuild::registry
