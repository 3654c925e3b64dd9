#include "builder/sandbox/protocol.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace imagebuild::sandbox {
namespace {

constexpr std::size_t max_descriptors = 32;
constexpr std::uint64_t max_message = 64u << 20;

Result<void> send_all(int socket, const void* bytes, std::size_t size) {
  auto* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t sent = ::send(socket, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno_error("send message");
    at += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return {};
}

/// Bytes read: less than `size` only at end of file.
Result<std::size_t> receive_all(int socket, char* bytes, std::size_t size) {
  std::size_t have = 0;
  while (have < size) {
    const std::size_t got = TRY(read_some(socket, {bytes + have, size - have}));
    if (got == 0) break;
    have += got;
  }
  return have;
}

}  // namespace

Result<SocketPair> make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    return errno_error("make a socket pair");
  return SocketPair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<void> send_descriptors(int socket, std::span<const int> descriptors) {
  if (descriptors.size() > max_descriptors)
    return fail(ErrorKind::Internal, "too many descriptors in one message");
  char byte = 'r';
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(max_descriptors * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return errno_error("send descriptors");
  }
  return {};
}

Result<std::optional<std::vector<UniqueFd>>> receive_descriptors(int socket) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(max_descriptors * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  while ((got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0) {
    if (errno != EINTR) return errno_error("receive descriptors");
  }
  if (got == 0) return std::optional<std::vector<UniqueFd>>();
  std::vector<UniqueFd> descriptors;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
  if (message.msg_flags & MSG_CTRUNC)
    return fail(ErrorKind::Internal, "descriptors were lost in passing");
  return std::optional(std::move(descriptors));
}

Result<void> send_message(int socket, const Json& message) {
  const std::vector<std::uint8_t> body = Json::to_msgpack(message);
  const std::uint64_t size = body.size();
  TRY(send_all(socket, &size, sizeof size));
  return send_all(socket, body.data(), body.size());
}

Result<std::optional<Json>> receive_message(int socket) {
  std::uint64_t size = 0;
  const std::size_t got = TRY(receive_all(socket, reinterpret_cast<char*>(&size), sizeof size));
  if (got == 0) return std::optional<Json>();
  if (got < sizeof size) return fail(ErrorKind::Transient, "message cut short");
  if (size > max_message) return fail(ErrorKind::InvalidInput, "message larger than 64 MiB");
  std::string body(size, '\0');
  if (TRY(receive_all(socket, body.data(), body.size())) < size) {
    return fail(ErrorKind::Transient, "message cut short");
  }
  Json message = Json::from_msgpack(body, true, false);
  if (message.is_discarded()) return fail(ErrorKind::InvalidInput, "not a message");
  return std::optional(std::move(message));
}

Json error_to_json(const Error& error) {
  return {{"kind", static_cast<int>(error.kind)}, {"message", error.message}};
}

Error error_from_json(const Json& json) {
  const auto kind = find_int(json, "kind");
  const bool known =
      kind && *kind && **kind >= 0 && **kind <= static_cast<int>(ErrorKind::Internal);
  return {known ? static_cast<ErrorKind>(**kind) : ErrorKind::Internal,
          string_at(json, {"message"})};
}

Json answer_to_json(const Result<Json>& result) {
  if (result) return {{"ok", *result}};
  return {{"error", error_to_json(result.error())}};
}

Result<Json> answer_from_json(const Json& json) {
  if (const Json* value = find_path(json, {"ok"})) return *value;
  if (const Json* error = find_path(json, {"error"})) return error_from_json(*error);
  return fail(ErrorKind::Internal, "malformed answer");
}

}  // namespace imagebuild::sandbox
