#include "common/registry/blob_upload.h"

#include <algorithm>
#include <charconv>

#include "common/registry/errors.h"
#include "common/registry/push.h"

namespace imagebuild::registry {
namespace {

constexpr std::uint64_t kProgress = 1u << 20;
constexpr std::uint64_t kSmallPiece = 16u << 20;  // for proxies that limit the size of a body
constexpr std::chrono::minutes kTimeout{10};  // registries answer when they have written and hashed

// "0-1023" (also "bytes=0-1023") → 1024. "0-0" is what registries say
// of an upload that has nothing.
std::optional<std::uint64_t> received_of(const http::Headers& headers) {
  std::string text = headers.find("Range").value_or("");
  auto dash = text.find('-');
  if (dash == std::string::npos) return std::nullopt;
  std::uint64_t last = 0;
  auto [end, error] = std::from_chars(text.data() + dash + 1, text.data() + text.size(), last);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return last == 0 ? 0 : last + 1;
}

}  // namespace

BlobUpload::BlobUpload(Session& session, const Carrier& carrier, const Endpoint& endpoint,
                       const oci::Reference& to, const oci::Digest& digest,
                       const BlobSource& source, std::uint64_t monolithic_limit)
    : session_(session),
      carrier_(carrier),
      endpoint_(endpoint),
      to_(to),
      digest_(digest),
      source_(source),
      access_(Access::push(endpoint.repository(to))),
      is_small_(source.size < monolithic_limit),
      piece_limit_(source.size) {}

Result<void> BlobUpload::run(std::optional<std::string> location) {
  location_ = location.value_or("");
  Retry retry(carrier_.policy(), carrier_.stop());
  for (;;) {
    std::uint64_t before = offset_;
    can_go_on_ = false;
    retry_after_.reset();
    auto result = attempt();
    if (result || !can_go_on_) return result;
    if (offset_ >= before + kProgress) retry.progressed();
    if (!retry.again(retry_after_)) return result;
    carrier_.log().warn(
        "upload was interrupted, going on",
        {{"digest", digest_.to_string()}, {"size", source_.size}, {"error", result.error()}});
  }
}

Result<void> BlobUpload::attempt() {
  if (interrupted_ && !location_.empty()) TRY(locate());
  if (location_.empty()) TRY(start());
  interrupted_ = false;
  while (!is_small_ && offset_ < source_.size) TRY(send_piece());
  return commit();
}

void BlobUpload::restart() {
  location_.clear();
  offset_ = 0;
}

Result<void> BlobUpload::start() {
  Call call;
  call.request.method = "POST";
  call.request.url = endpoint_.url(to_, "blobs/uploads/");
  auto answer = TRY(session_.send(endpoint_, access_, call));
  if (answer.response.status != 202) return error_of(answer.response).context("start upload");
  location_ = TRY(answer.location());
  offset_ = 0;
  if (auto least = answer.response.headers.find("OCI-Chunk-Min-Length")) {
    std::uint64_t bytes = 0;
    std::from_chars(least->data(), least->data() + least->size(), bytes);
    piece_limit_ = std::max(piece_limit_, bytes);
  }
  return {};
}

// Asks how much the registry has. An upload it no longer knows, or cannot tell about, begins again.
Result<void> BlobUpload::locate() {
  Call call;
  call.request.url = location_;
  auto answer = TRY(session_.send(endpoint_, access_, call));
  auto received = received_of(answer.response.headers);
  if (!answer.response.ok() || !received || *received > source_.size) {
    restart();
    return {};
  }
  offset_ = *received;
  if (answer.response.headers.find("Location")) location_ = TRY(answer.location());
  return {};
}

http::BodySource BlobUpload::make_source(std::uint64_t end) const {
  auto read = [this, position = offset_,
               end](std::span<char> buffer) mutable -> Result<std::size_t> {
    auto room = std::min<std::uint64_t>(buffer.size(), end - position);
    if (room == 0) return std::size_t{0};
    std::size_t count = TRY(source_.read_at(position, buffer.first(room)));
    if (count == 0)
      return fail(ErrorKind::Internal, "the blob ends at " + std::to_string(position) + " of " +
                                           std::to_string(source_.size) + " bytes");
    position += count;
    return count;
  };
  return http::BodySource{.read = std::move(read), .length = end - offset_};
}

Result<void> BlobUpload::send_piece() {
  std::uint64_t end = offset_ + std::min(piece_limit_, source_.size - offset_);
  Call call;
  call.request.method = "PATCH";
  call.request.url = location_;
  call.request.timeout = kTimeout;
  call.request.headers.add("Content-Type", "application/octet-stream");
  bool is_part = offset_ > 0 || end < source_.size;
  if (is_part)
    call.request.headers.add("Content-Range",
                             std::to_string(offset_) + "-" + std::to_string(end - 1));
  call.make_source = [this, end] { return make_source(end); };
  auto answer = session_.send(endpoint_, access_, call);
  if (!answer) {
    interrupted_ = true;
    can_go_on_ = answer.error().kind == ErrorKind::Transient;
    // A proxy that limits bodies may just hang up: smaller ones get through.
    piece_limit_ = std::min(piece_limit_, kSmallPiece);
    return std::move(answer).error();
  }
  if (answer->response.ok()) return accept_piece(*answer, end);
  int status = answer->response.status;
  bool too_large = status == 413 && piece_limit_ > kSmallPiece;
  if (too_large) piece_limit_ = kSmallPiece;
  bool is_lost = status == 404;
  if (is_lost) restart();
  interrupted_ = true;
  can_go_on_ = is_retryable_status(status) || status == 416 || too_large || is_lost;
  retry_after_ = parse_retry_after(answer->response.headers, SystemClock().now());
  return error_of(answer->response);
}

Result<void> BlobUpload::accept_piece(const Answer& answer, std::uint64_t end) {
  if (answer.response.headers.find("Location")) location_ = TRY(answer.location());
  std::uint64_t received = received_of(answer.response.headers).value_or(end);
  if (received > end)
    return fail(ErrorKind::Internal, "the registry says it has more bytes than were sent");
  if (received <= offset_) {
    interrupted_ = true;
    can_go_on_ = true;
    return fail(ErrorKind::Transient, "the registry took nothing of what was sent");
  }
  offset_ = received;
  return {};
}

Result<std::string> BlobUpload::small_body() const {
  std::string body(source_.size, '\0');
  for (std::size_t filled = 0; filled < body.size();) {
    std::size_t count = TRY(source_.read_at(filled, std::span(body).subspan(filled)));
    if (count == 0)
      return fail(ErrorKind::Internal, "the blob ends at " + std::to_string(filled) + " of " +
                                           std::to_string(body.size()) + " bytes");
    filled += count;
  }
  return body;
}

Result<void> BlobUpload::commit() {
  Call call;
  call.request.method = "PUT";
  // Appended as text: a signed location must not be re-encoded.
  call.request.url = location_ + (location_.find('?') == std::string::npos ? "?" : "&") +
                     "digest=" + digest_.to_string();
  call.request.timeout = kTimeout;
  call.request.headers.add("Content-Type", "application/octet-stream");
  if (is_small_) call.request.body = TRY(small_body());
  auto answer = TRY(session_.send(endpoint_, access_, call));
  if (answer.response.ok()) return check_stored_digest(answer.response, digest_);
  return recover_commit(answer.response);
}

// A PUT whose answer was lost has done its work, and its repetition finds no upload any more.
Result<void> BlobUpload::recover_commit(const http::Response& refusal) {
  bool is_lost = refusal.status == 404 || refusal.status == 416;
  if (is_lost) {
    if (TRY(blob_exists_at(session_, endpoint_, to_, digest_))) return {};
    restart();
    can_go_on_ = true;
  }
  return error_of(refusal);
}

}  // namespace imagebuild::registry
