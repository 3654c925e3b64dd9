#include "builder/sandbox/agent_forwarder.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <list>
#include <stop_token>
#include <thread>

#include "builder/sandbox/protocol.h"

namespace imagebuild {
namespace {

// draft-miller-ssh-agent: a message is a 32-bit length, a byte with the kind, and the rest.
constexpr std::size_t max_message = 256u << 10;  // as OpenSSH's agent
constexpr std::uint8_t request_identities = 11;
constexpr std::uint8_t sign_request = 13;
constexpr std::string_view failure{"\0\0\0\1\5", 5};
constexpr int max_connections = 16;

Result<UniqueFd> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return errno_error(path, ENAMETOOLONG);
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return errno_error("socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return errno_error("connect to " + path);
  return socket;
}

Result<bool> read_exactly(int socket, std::string& bytes) {
  std::size_t have = 0;
  while (have < bytes.size()) {
    const std::size_t got = TRY(read_some(socket, {bytes.data() + have, bytes.size() - have}));
    if (got == 0) return false;
    have += got;
  }
  return true;
}

/// One message with its length in front; empty at the end of the stream.
Result<std::string> read_message(int socket) {
  std::string message(4, '\0');
  if (!TRY(read_exactly(socket, message))) return std::string();
  std::size_t size = 0;
  for (const char byte : message) size = size << 8 | static_cast<unsigned char>(byte);
  if (size == 0 || size > max_message)
    return fail(ErrorKind::InvalidInput, "not a message of an ssh agent");
  std::string body(size, '\0');
  if (!TRY(read_exactly(socket, body))) return std::string();
  return message + body;
}

Result<void> send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno_error("send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<void> converse(int client, int agent) {
  for (;;) {
    const std::string request = TRY(read_message(client));
    if (request.empty()) return {};
    const auto kind = static_cast<std::uint8_t>(request[4]);
    if (kind != request_identities && kind != sign_request) {
      TRY(send_all(client, failure));
      continue;
    }
    TRY(send_all(agent, request));
    const std::string answer = TRY(read_message(agent));
    if (answer.empty()) return {};
    TRY(send_all(client, answer));
  }
}

struct Connection {
  std::atomic<bool> done{false};
  std::jthread thread;
};

void serve_connection(const std::stop_token& stop, int client, const std::string& agent_path) {
  const UniqueFd agent = [&] {
    auto connected = connect_to(agent_path);
    return connected ? *std::move(connected) : UniqueFd();
  }();
  if (!agent) return;
  const std::stop_callback hang_up(stop, [&] {
    ::shutdown(client, SHUT_RDWR);
    ::shutdown(agent.get(), SHUT_RDWR);
  });
  static_cast<void>(converse(client, agent.get()).ok());  // a broken connection is RUN's to notice
}

void start_connection(std::list<Connection>& connections, UniqueFd client,
                      const std::string& agent_path) {
  connections.remove_if([](const Connection& one) { return one.done.load(); });
  if (connections.size() >= max_connections) return;  // closing is the answer
  Connection& one = connections.emplace_back();
  one.thread = std::jthread(
      [&done = one.done, fd = std::move(client), &agent_path](const std::stop_token& stop) {
        serve_connection(stop, fd.get(), agent_path);
        ::shutdown(fd.get(), SHUT_RDWR);
        done = true;
      });
}

}  // namespace

struct AgentForwarder::State {
  std::string agent_path;
  UniqueFd channel;  ///< the worker sends its listening socket over it
  std::jthread thread;

  void serve(const std::stop_token& stop) {
    UniqueFd listener;
    {
      const std::stop_callback hang_up(stop, [this] { ::shutdown(channel.get(), SHUT_RDWR); });
      auto received = sandbox::receive_descriptors(channel.get());
      if (!received || !*received || (*received)->empty()) return;  // no step began
      listener = std::move((*received)->front());
    }
    const std::stop_callback hang_up(stop, [&] { ::shutdown(listener.get(), SHUT_RDWR); });
    std::list<Connection> connections;
    while (!stop.stop_requested()) {
      UniqueFd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (client)
        start_connection(connections, std::move(client), agent_path);
      else if (errno != EINTR && errno != ECONNABORTED)
        return;
    }
  }
};

AgentForwarder::AgentForwarder(std::unique_ptr<State> state) : state_(std::move(state)) {}
AgentForwarder::AgentForwarder(AgentForwarder&&) noexcept = default;
AgentForwarder& AgentForwarder::operator=(AgentForwarder&&) noexcept = default;
AgentForwarder::~AgentForwarder() = default;

Result<AgentForwarder::Started> AgentForwarder::start(const std::string& agent_socket) {
  auto sockets = TRY(sandbox::make_socket_pair());
  auto state = std::make_unique<State>();
  state->agent_path = agent_socket;
  state->channel = std::move(sockets.ours);
  state->thread =
      std::jthread([serving = state.get()](const std::stop_token& stop) { serving->serve(stop); });
  return Started{AgentForwarder(std::move(state)), std::move(sockets.theirs)};
}

}  // namespace imagebuild
