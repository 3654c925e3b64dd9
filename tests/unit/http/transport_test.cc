#include "common/http/transport.h"

#include <sys/resource.h>

#include <thread>

#include "tests/support/catch.h"
#include "tests/support/test_server/test_server.h"

using namespace imagebuild;
using namespace imagebuild::http;
using testing::ServerRequest;
using testing::ServerResponse;
using testing::TestServer;
using namespace std::chrono_literals;

namespace {
// Sanitizers keep freed memory for a while.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

long peak_rss_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}
}  // namespace

TEST_CASE("requests carry method, headers, body and an untouched URL") {
  ServerRequest seen;
  TestServer server([&](const ServerRequest& request) {
    seen = request;
    return ServerResponse{
        .status = 201, .headers = {{"X-Answer", "42"}, {"Location", "/elsewhere"}}, .body = "made"};
  });
  auto transport = make_transport();
  auto response = transport->send({.method = "POST",
                                   .url = server.origin() + "/v2/a%2Fb/?sig=x%3D%3D&t=a+b~c",
                                   .headers = {{"X-Key", "value"}, {"Content-Type", "text/x"}},
                                   .body = "hello"});
  REQUIRE(response.ok());
  CHECK(response->status == 201);
  CHECK(response->body == "made");
  CHECK(*response->headers.find("x-answer") == "42");
  CHECK(seen.method == "POST");
  CHECK(seen.path == "/v2/a%2Fb/");
  CHECK(seen.query == "sig=x%3D%3D&t=a+b~c");
  CHECK(seen.body == "hello");
  CHECK(*seen.headers.find("Content-Type") == "text/x");
}

TEST_CASE("an empty POST says its length is zero") {
  ServerRequest seen;
  TestServer server([&](const ServerRequest& request) {
    seen = request;
    return ServerResponse{.status = 202};
  });
  CHECK(make_transport()
            ->send({.method = "POST", .url = server.origin() + "/v2/x/blobs/uploads/"})
            ->status == 202);
  CHECK(seen.headers.find("Content-Length") == "0");
}

TEST_CASE("redirects are not followed") {
  int calls = 0;
  TestServer server([&](const ServerRequest&) {
    ++calls;
    return ServerResponse{.status = 307, .headers = {{"Location", "/again"}}};
  });
  auto response = make_transport()->send({.url = server.origin() + "/blob"});
  REQUIRE(response.ok());
  CHECK(response->status == 307);
  CHECK(calls == 1);
}

TEST_CASE("a large body streams through a slow sink in bounded memory") {
  constexpr std::size_t kPieces = 200;
  TestServer server([&](const ServerRequest&) {
    auto sent = std::make_shared<std::size_t>(0);
    return ServerResponse{.stream = [sent](const std::atomic<bool>&) -> std::optional<std::string> {
      if ((*sent)++ >= kPieces) return std::nullopt;
      return std::string(1 << 20, static_cast<char>('a' + *sent % 26));
    }};
  });
  long before = peak_rss_kib();
  std::size_t received = 0;
  auto response = make_transport()->send(
      {.url = server.origin() + "/big",
       .sink = [&](const Response& head, std::string_view bytes) -> Result<void> {
         CHECK(head.status == 200);
         if (received % (10 << 20) < bytes.size()) std::this_thread::sleep_for(2ms);
         received += bytes.size();
         return {};
       }});
  REQUIRE(response.ok());
  CHECK(received == kPieces << 20);
  CHECK(response->body.empty());
  if (!kSanitized) CHECK(peak_rss_kib() - before < 64 * 1024);
}

TEST_CASE("an upload is read only as fast as it is sent") {
  std::size_t arrived = 0;
  TestServer server([&](const ServerRequest& request) {
    arrived = request.body.size();
    return ServerResponse{.status = 201};
  });
  for (bool with_length : {true, false}) {
    CAPTURE(with_length);
    std::size_t left = 40u << 20;
    BodySource source{.read = [&](std::span<char> buffer) -> Result<std::size_t> {
                        std::size_t n = std::min(left, buffer.size());
                        std::fill_n(buffer.begin(), n, 'x');
                        left -= n;
                        return n;
                      },
                      .length = {}};
    if (with_length) source.length = left;
    auto response =
        make_transport()->send({.method = "PUT", .url = server.origin() + "/up", .source = source});
    REQUIRE(response.ok());
    CHECK(response->status == 201);
    CHECK(arrived == 40u << 20);
  }
}

TEST_CASE("errors of sink and source are what send returns") {
  TestServer server(
      [](const ServerRequest&) { return ServerResponse{.body = std::string(4 << 20, 'x')}; });
  auto transport = make_transport();
  auto sink_failed = transport->send(
      {.url = server.origin(), .sink = [](const Response&, std::string_view) -> Result<void> {
         return fail(ErrorKind::InvalidInput, "digest differs");
       }});
  REQUIRE_FALSE(sink_failed.ok());
  CHECK(sink_failed.error().kind == ErrorKind::InvalidInput);
  CHECK(sink_failed.error().message.find("digest differs") != std::string::npos);
  auto source_failed =
      transport->send({.method = "PUT",
                       .url = server.origin(),
                       .source = BodySource{.read = [](std::span<char>) -> Result<std::size_t> {
                                              return fail(ErrorKind::Internal, "disk gone");
                                            },
                                            .length = 1000}});
  REQUIRE_FALSE(source_failed.ok());
  CHECK(source_failed.error().message.find("disk gone") != std::string::npos);
}

TEST_CASE("a body beyond its bound is refused, not buffered") {
  TestServer server([](const ServerRequest&) {
    return ServerResponse{.status = 500, .body = std::string(1 << 20, 'x')};
  });
  auto response = make_transport()->send({.url = server.origin(), .max_body = 1000});
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().kind == ErrorKind::InvalidInput);
}

TEST_CASE("network failures are transient and say where") {
  std::string origin;
  {
    TestServer server([](const ServerRequest&) { return ServerResponse{}; });
    origin = server.origin();
  }
  auto refused = make_transport()->send({.url = origin + "/x"});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().kind == ErrorKind::Transient);
  CHECK(refused.error().message.find(origin) != std::string::npos);

  TestServer faulty([](const ServerRequest& request) {
    return ServerResponse{.body = std::string(100000, 'x'),
                          .fault = request.path == "/cut"
                                       ? ServerResponse::Fault::CutBody
                                       : ServerResponse::Fault::ResetBeforeResponse};
  });
  CHECK(make_transport()->send({.url = faulty.origin() + "/reset"}).error().kind ==
        ErrorKind::Transient);
  CHECK(make_transport()->send({.url = faulty.origin() + "/cut"}).error().kind ==
        ErrorKind::Transient);
}

TEST_CASE("a server that says nothing runs into the time-out") {
  TestServer server([](const ServerRequest&) {
    return ServerResponse{
        .stream = [](const std::atomic<bool>& running) -> std::optional<std::string> {
          while (running) std::this_thread::sleep_for(5ms);
          return std::nullopt;
        }};
  });
  auto response = make_transport()->send({.url = server.origin(), .timeout = 300ms});
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().kind == ErrorKind::Transient);
}

TEST_CASE("a stop token ends a request that waits for data") {
  TestServer server([](const ServerRequest&) {
    return ServerResponse{
        .stream =
            [first = true](const std::atomic<bool>& running) mutable -> std::optional<std::string> {
          if (std::exchange(first, false)) return "event\n";
          while (running) std::this_thread::sleep_for(5ms);
          return std::nullopt;
        }};
  });
  std::stop_source stop;
  std::string got;
  auto response =
      make_transport()->send({.url = server.origin(),
                              .sink = [&](const Response&, std::string_view bytes) -> Result<void> {
                                got += bytes;
                                stop.request_stop();
                                return {};
                              }},
                             stop.get_token());
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().kind == ErrorKind::Canceled);
  CHECK(got == "event\n");
}

TEST_CASE("a header that would split the request is refused") {
  auto response =
      make_transport()->send({.url = "http://127.0.0.1:1/", .headers = {{"X", "a\r\nY: b"}}});
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().kind == ErrorKind::InvalidInput);
}
