// How the two halves of the tree worker talk: framed messages and passed
// descriptors over local sockets.
//
// The control socket carries only descriptors: one byte for each request, with the
// request's own channel and its pipes attached. The channel then carries one request and
// one answer, each an 8-byte length and a JSON value as MessagePack: unlike JSON text that
// keeps file names which are not UTF-8.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "common/base/json.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace imagebuild::sandbox {

struct SocketPair {
  UniqueFd ours;
  UniqueFd theirs;
};
/// A connected stream pair, close-on-exec.
Result<SocketPair> make_socket_pair();

/// Sends one byte with `descriptors` (at most 32). Several threads may send on one socket.
Result<void> send_descriptors(int socket, std::span<const int> descriptors);
/// The descriptors of one byte; nullopt at end of file.
Result<std::optional<std::vector<UniqueFd>>> receive_descriptors(int socket);

/// Never raises SIGPIPE. Transient when the other end is gone.
Result<void> send_message(int socket, const Json& message);
/// nullopt at end of file before the first byte. InvalidInput: more than 64 MiB, or not a message.
Result<std::optional<Json>> receive_message(int socket);

Json error_to_json(const Error& error);
Error error_from_json(const Json& json);
/// {"ok": value} or {"error": …}: the one answer of a request.
Json answer_to_json(const Result<Json>& result);
Result<Json> answer_from_json(const Json& json);

}  // namespace imagebuild::sandbox
