#include "common/http/server.h"

#include <arpa/inet.h>
#include <cpprest/http_listener.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <utility>  // before cpprest: boost 1.74's asio forgets it in C++20

#include "common/base/unique_fd.h"

namespace imagebuild::http {

struct Server::Listener {
  web::http::experimental::listener::http_listener listener;
};

namespace {

struct Address {
  std::string host;
  int port = 0;
};

Result<Address> parse_address(const std::string& text) {
  auto colon = text.rfind(':');
  Address address;
  if (colon != std::string::npos) {
    auto [end, error] =
        std::from_chars(text.data() + colon + 1, text.data() + text.size(), address.port);
    address.host = colon == 0 ? "0.0.0.0" : text.substr(0, colon);
    if (error == std::errc() && end == text.data() + text.size() && address.port >= 0 &&
        address.port <= 65535)
      return address;
  }
  return fail(ErrorKind::InvalidInput, "not an address to listen on (HOST:PORT): '" + text + "'");
}

// The listener cannot say which port it got, so a free one is chosen first; also tells "in use"
// from other failures.
Result<int> reserve_port(const Address& address) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<std::uint16_t>(address.port));
  std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  if (::inet_pton(AF_INET, host.c_str(), &name.sin_addr) != 1)
    return fail(ErrorKind::InvalidInput,
                "not an IPv4 address to listen on: '" + address.host + "'");
  socklen_t size = sizeof name;
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), size) != 0) {
    auto error = errno_error("listen on " + address.host + ":" + std::to_string(address.port));
    if (errno == EADDRINUSE) error.kind = ErrorKind::Conflict;
    return error;
  }
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size);
  return ntohs(name.sin_port);
}

void answer(const web::http::http_request& message, const Server::Handler& handler) {
  ServerRequest request{.method = message.method(),
                        .path = message.relative_uri().path(),
                        .query = message.relative_uri().query(),
                        .headers = {}};
  for (const auto& [name, value] : message.headers()) request.headers.add(name, value);
  Response response = handler(request);
  web::http::http_response reply(static_cast<web::http::status_code>(response.status));
  reply.set_body(std::vector<unsigned char>(response.body.begin(), response.body.end()));
  for (const auto& [name, value] : response.headers.fields()) reply.headers()[name] = value;
  // The peer may be gone before the reply is written: observed,
  // so that it does not end the process.
  message.reply(reply).then([](const pplx::task<void>& done) {
    try {
      done.get();
    } catch (const std::exception&) {
    }
  });
}

}  // namespace

Server::Server(std::unique_ptr<Listener> listener, int port)
    : listener_(std::move(listener)), port_(port) {}

Result<std::unique_ptr<Server>> Server::listen(const std::string& address_text, Handler handler) {
  auto address = TRY(parse_address(address_text));
  int port = TRY(reserve_port(address));
  try {
    auto listener = std::make_unique<Listener>();
    listener->listener = web::http::experimental::listener::http_listener(
        web::uri("http://" + address.host + ":" + std::to_string(port) + "/"));
    auto serve = [handler = std::move(handler)](const web::http::http_request& message) {
      answer(message, handler);
    };
    listener->listener.support(web::http::methods::GET, serve);
    listener->listener.support(web::http::methods::HEAD, serve);
    listener->listener.open().get();
    return std::unique_ptr<Server>(new Server(std::move(listener), port));
  } catch (const std::exception& error) {
    return fail(ErrorKind::Internal, "listen on " + address_text + ": " + error.what());
  }
}

Server::~Server() {
  try {
    listener_->listener.close().get();
  } catch (const std::exception&) {  // closing what never opened fully: nothing left to release
  }
}

}  // namespace imagebuild::http
