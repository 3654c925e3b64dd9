#include "builder/sandbox/agent_forwarder.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <filesystem>
#include <mutex>
#include <thread>

#include "builder/sandbox/protocol.h"
#include "tests/support/catch.h"

using namespace imagebuild;

namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

UniqueFd listen_at(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(path);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(socket.get(), 8) == 0);
  return socket;
}

UniqueFd connect_to(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(path);
  REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
          0);
  return socket;
}

/// Answers each request of five bytes with its kind plus one, and notes it.
class FakeAgent {
 public:
  explicit FakeAgent(const std::string& path)
      : listener_(listen_at(path)), thread_([this] { serve(); }) {}
  ~FakeAgent() { ::shutdown(listener_.get(), SHUT_RDWR); }
  std::string asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  void serve() {
    for (;;) {
      const UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) return;
      std::array<char, 5> request{};
      while (::recv(client.get(), request.data(), request.size(), MSG_WAITALL) == 5) {
        {
          const std::lock_guard lock(mutex_);
          asked_ += std::to_string(request[4]) + " ";
        }
        ++request[4];
        static_cast<void>(write_all(client.get(), {request.data(), request.size()}).ok());
      }
    }
  }

  UniqueFd listener_;
  std::mutex mutex_;
  std::string asked_;  // guarded by mutex_
  std::jthread thread_;
};

/// A directory with an agent, a forwarder for it, and the socket that a step would connect to.
struct Place {
  Place() {
    REQUIRE(::mkdtemp(path.data()));
    agent.emplace(path + "/agent");
    auto started = AgentForwarder::start(path + "/agent");
    REQUIRE(started);
    forwarder.emplace(std::move(started->forwarder));
    const UniqueFd listener = listen_at(path + "/step");
    const int passed[] = {listener.get()};
    REQUIRE(sandbox::send_descriptors(started->attachment.get(), passed));
  }
  ~Place() {
    forwarder.reset();
    agent.reset();
    std::filesystem::remove_all(path);
  }

  std::string path = std::filesystem::temp_directory_path() / "agent-XXXXXX";
  std::optional<FakeAgent> agent;
  std::optional<AgentForwarder> forwarder;
};

/// The kind of the answer to a request of `kind`; -1 when the connection was closed.
int ask(int socket, char kind) {
  const std::string request{0, 0, 0, 1, kind};
  if (::send(socket, request.data(), request.size(), MSG_NOSIGNAL) < 0) return -1;
  std::array<char, 5> answer{};
  return ::recv(socket, answer.data(), answer.size(), MSG_WAITALL) == 5 ? answer[4] : -1;
}

}  // namespace

TEST_CASE("an agent is asked for keys and signatures, and nothing that changes it") {
  Place place;
  const UniqueFd step = connect_to(place.path + "/step");
  CHECK(ask(step.get(), 11) == 12);  // SSH_AGENTC_REQUEST_IDENTITIES
  for (const char refused : {17, 18, 19, 20, 22, 23, 25, 27})
    CHECK(ask(step.get(), refused) == 5);  // SSH_AGENT_FAILURE
  CHECK(ask(step.get(), 13) == 14);        // SSH_AGENTC_SIGN_REQUEST
  CHECK(place.agent->asked() == "11 13 ");
}

TEST_CASE("what is no message of an agent ends the connection, and only that one") {
  Place place;
  const UniqueFd good = connect_to(place.path + "/step");
  CHECK(ask(good.get(), 11) == 12);
  const UniqueFd huge = connect_to(place.path + "/step");
  const std::string length{'\x7f', 0, 0, 0};
  REQUIRE(::send(huge.get(), length.data(), length.size(), MSG_NOSIGNAL) == 4);
  char byte = 0;
  CHECK(::recv(huge.get(), &byte, 1, 0) == 0);
}

TEST_CASE("a forwarder ends although its step hangs, or never began") {
  auto idle = AgentForwarder::start("/nowhere/agent");
  CHECK(idle);
  UniqueFd step;
  {
    Place place;
    step = connect_to(place.path + "/step");
    const std::string half{0, 0, 0, 9, 11};
    REQUIRE(::send(step.get(), half.data(), half.size(), MSG_NOSIGNAL) == 5);
  }
  char byte = 0;
  CHECK(::recv(step.get(), &byte, 1, 0) <= 0);
}
