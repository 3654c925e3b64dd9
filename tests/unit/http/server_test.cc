#include "common/http/server.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::http;

TEST_CASE("the server answers GET and HEAD, refuses the rest, and frees its port") {
  auto server = Server::listen("127.0.0.1:0", [](const ServerRequest& request) {
    return Response{.status = request.path == "/here" ? 200 : 404,
                    .headers = {{"Content-Type", "text/plain"}},
                    .body = "q=" + request.query};
  });
  REQUIRE(server.ok());
  auto transport = make_transport();
  std::string origin = "http://127.0.0.1:" + std::to_string((*server)->port());
  auto got = transport->send({.url = origin + "/here?a=b"});
  REQUIRE(got.ok());
  CHECK(got->status == 200);
  CHECK(got->body == "q=a=b");
  CHECK(*got->headers.find("content-type") == "text/plain");
  CHECK(transport->send({.url = origin + "/gone"})->status == 404);
  CHECK(transport->send({.method = "HEAD", .url = origin + "/here"})->body.empty());
  CHECK(transport->send({.method = "POST", .url = origin + "/here"})->status == 405);

  auto second = Server::listen("127.0.0.1:" + std::to_string((*server)->port()),
                               [](const ServerRequest&) { return Response{}; });
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().kind == ErrorKind::Conflict);
}

TEST_CASE("an address that cannot be listened on is named") {
  for (const char* bad : {"", "8080", "host", "0.0.0.0:x", "0.0.0.0:70000", "example.org:80"}) {
    CAPTURE(bad);
    auto server = Server::listen(bad, [](const ServerRequest&) { return Response{}; });
    REQUIRE_FALSE(server.ok());
    CHECK(server.error().kind == ErrorKind::InvalidInput);
  }
}
