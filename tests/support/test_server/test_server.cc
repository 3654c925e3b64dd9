#include "tests/support/test_server/test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>

namespace imagebuild::testing {
namespace {

constexpr std::size_t kMaxBody = 256u << 20;

// Buffered reading of one connection.
class Reader {
 public:
  explicit Reader(int fd) : fd_(fd) {}

  std::optional<std::string> line() {
    for (;;) {
      auto end = buffer_.find("\r\n");
      if (end != std::string::npos) {
        std::string text = buffer_.substr(0, end);
        buffer_.erase(0, end + 2);
        return text;
      }
      if (buffer_.size() > 1 << 20 || !fill()) return std::nullopt;
    }
  }
  bool exactly(std::size_t count, std::string& out) {
    while (buffer_.size() < count)
      if (!fill()) return false;
    out.append(buffer_, 0, count);
    buffer_.erase(0, count);
    return true;
  }

 private:
  bool fill() {
    std::array<char, 65536> piece;
    ssize_t n = ::recv(fd_, piece.data(), piece.size(), 0);
    if (n <= 0) return false;
    buffer_.append(piece.data(), static_cast<std::size_t>(n));
    return true;
  }
  int fd_;
  std::string buffer_;
};

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool read_chunked(Reader& reader, std::string& body) {
  for (;;) {
    auto line = reader.line();
    if (!line) return false;
    std::size_t size = std::strtoul(line->c_str(), nullptr, 16);
    if (body.size() + size > kMaxBody) return false;
    if (size > 0 && !reader.exactly(size, body)) return false;
    if (!reader.line()) return false;
    if (size == 0) return true;
  }
}

std::optional<ServerRequest> read_request(Reader& reader, int fd) {
  auto first = reader.line();
  if (!first) return std::nullopt;
  ServerRequest request;
  auto space = first->find(' ');
  auto last = first->rfind(' ');
  if (space == std::string::npos || last <= space) return std::nullopt;
  request.method = first->substr(0, space);
  std::string target = first->substr(space + 1, last - space - 1);
  auto question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  for (;;) {
    auto line = reader.line();
    if (!line) return std::nullopt;
    if (line->empty()) break;
    auto colon = line->find(':');
    if (colon == std::string::npos) return std::nullopt;
    auto value = line->find_first_not_of(' ', colon + 1);
    request.headers.add(line->substr(0, colon),
                        value == std::string::npos ? "" : line->substr(value));
  }
  if (request.headers.find("Expect") && !send_all(fd, "HTTP/1.1 100 Continue\r\n\r\n"))
    return std::nullopt;
  if (auto encoding = request.headers.find("Transfer-Encoding");
      encoding && encoding->find("chunked") != std::string::npos) {
    if (!read_chunked(reader, request.body)) return std::nullopt;
  } else if (auto length = request.headers.find("Content-Length")) {
    std::size_t size = std::strtoul(length->c_str(), nullptr, 10);
    if (size > kMaxBody || !reader.exactly(size, request.body)) return std::nullopt;
  }
  return request;
}

void reset_connection(int fd) {
  linger hard{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

// Sends the response; false when the connection must end.
bool send_response(int fd, const ServerRequest& request, const ServerResponse& response,
                   const std::atomic<bool>& running) {
  using Fault = ServerResponse::Fault;
  if (response.fault == Fault::ResetBeforeResponse) {
    reset_connection(fd);
    return false;
  }
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " Status\r\n";
  for (const auto& [name, value] : response.headers.fields()) head += name + ": " + value + "\r\n";
  bool has_length = response.headers.find("Content-Length").has_value();
  if (response.stream)
    head += "Transfer-Encoding: chunked\r\n";
  else if (!has_length)
    head += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  if (!send_all(fd, head + "\r\n")) return false;
  if (request.method == "HEAD") return true;
  if (response.fault == Fault::CutBody) {
    (void)send_all(fd, std::string_view(response.body).substr(0, response.body.size() / 2));
    return false;
  }
  if (!response.stream) return send_all(fd, response.body);
  while (auto piece = response.stream(running)) {
    if (piece->empty()) continue;
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", piece->size());
    if (!send_all(fd, size + *piece + "\r\n")) return false;
  }
  return response.fault != Fault::CutStream && send_all(fd, "0\r\n\r\n");
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out +=
          static_cast<char>(std::strtoul(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

std::optional<std::string> ServerRequest::parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    auto end = rest.find('&');
    std::string_view pair = rest.substr(0, end);
    auto equals = pair.find('=');
    if (percent_decode(pair.substr(0, equals)) == name)
      return equals == std::string_view::npos ? std::string()
                                              : percent_decode(pair.substr(equals + 1));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return std::nullopt;
}

TestServer::TestServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_.get(), 128) != 0 ||
      ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("test server cannot listen");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

TestServer::~TestServer() {
  running_ = false;
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  std::vector<std::thread> threads;
  {
    std::lock_guard lock(mutex_);
    for (int fd : open_fds_) ::shutdown(fd, SHUT_RDWR);
    threads.swap(connections_);
  }
  for (auto& thread : threads) thread.join();
}

void TestServer::accept_loop() {
  while (running_) {
    int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    std::lock_guard lock(mutex_);
    open_fds_.push_back(fd);
    connections_.emplace_back([this, fd] { serve(fd); });
  }
}

void TestServer::serve(int fd) {
  Reader reader(fd);
  while (running_) {
    auto request = read_request(reader, fd);
    if (!request || !send_response(fd, *request, handler_(*request), running_)) break;
  }
  std::lock_guard lock(mutex_);
  std::erase(open_fds_, fd);
  ::close(fd);
}

}  // namespace imagebuild::testing
