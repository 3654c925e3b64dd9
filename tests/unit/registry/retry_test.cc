#include "common/registry/retry.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::registry;

namespace {

class ScriptedTransport final : public http::Transport {
 public:
  std::vector<Result<http::Response>> script;
  std::string body_before_failure;
  std::size_t calls = 0;

  Result<http::Response> send(const http::Request& request, std::stop_token) override {
    if (request.sink && !body_before_failure.empty())
      if (auto taken = request.sink({.status = 200}, body_before_failure); !taken)
        return taken.error();
    return script.at(std::min(calls++, script.size() - 1));
  }
};

http::Response status(int code, http::Headers headers = {}) {
  return {.status = code, .headers = std::move(headers), .body = {}};
}

struct Fixture {
  ScriptedTransport inner;
  std::vector<Duration> waits;
  RetryPolicy policy{.attempts = 4,
                     .backoff = {.first = Duration(100), .jitter = 0},
                     .longest_wait = Duration(60'000),
                     .wait = [this](Duration delay, const std::stop_token& stop) {
                       waits.push_back(delay);
                       return !stop.stop_requested();
                     }};
  Logger log;
  Result<http::Response> send(http::Request request = {}, std::stop_token stop = {}) {
    return RetryingTransport(inner, policy, log).send(request, stop);
  }
};

}  // namespace

TEST_CASE(
    "429, 5xx and network errors are tried again with growing pauses, other answers are not") {
  struct Row {
    Result<http::Response> answer;
    bool again;
  };
  const Row rows[] = {
      {status(429), true},
      {status(500), true},
      {status(502), true},
      {status(503), true},
      {status(504), true},
      {status(408), true},
      {status(400), false},
      {status(401), false},
      {status(403), false},
      {status(404), false},
      {status(416), false},
      {status(501), false},
      {status(307), false},
      {status(200), false},
      {fail(ErrorKind::Transient, "reset"), true},
      {fail(ErrorKind::Canceled, "stopped"), false},
      {fail(ErrorKind::InvalidInput, "url"), false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.answer ? row.answer->status : 0);
    Fixture f;
    f.inner.script = {row.answer, status(204)};
    auto response = f.send();
    CHECK(f.inner.calls == (row.again ? 2 : 1));
    CHECK((response && response->status == 204) == row.again);
  }
}

TEST_CASE("attempts end, and the last answer is the result") {
  Fixture f;
  f.inner.script = {status(503)};
  CHECK(f.send()->status == 503);
  CHECK(f.inner.calls == 4);
  CHECK(f.waits == std::vector<Duration>{Duration(100), Duration(200), Duration(400)});
}

TEST_CASE("Retry-After is obeyed, unless it asks for too long") {
  Fixture f;
  f.inner.script = {status(429, {{"Retry-After", "7"}}), status(200)};
  CHECK(f.send()->status == 200);
  CHECK(f.waits == std::vector<Duration>{Duration(7000)});

  Fixture g;
  g.inner.script = {status(429, {{"retry-after", "86400"}}), status(200)};
  CHECK(g.send()->status == 429);
  CHECK(g.waits.empty());

  TimePoint now = *parse_rfc3339("2026-11-24T07:00:00Z");
  CHECK(parse_retry_after({{"Retry-After", "Tue, 24 Nov 2026 07:00:30 GMT"}}, now) ==
        Duration(30'000));
  CHECK(parse_retry_after({{"Retry-After", "Tue, 24 Nov 2026 06:00:00 GMT"}}, now) == Duration(0));
  CHECK(parse_retry_after({{"Retry-After", "-5"}}, now) == Duration(0));
  CHECK(parse_retry_after({{"Retry-After", "soon"}}, now) == std::nullopt);
}

TEST_CASE("a request whose body is streamed, or whose sink has bytes, is not sent again") {
  Fixture f;
  f.inner.script = {fail(ErrorKind::Transient, "reset")};
  http::Request streamed;
  streamed.source =
      http::BodySource{.read = [](std::span<char>) { return std::size_t{0}; }, .length = 0};
  CHECK_FALSE(f.send(streamed).ok());
  CHECK(f.inner.calls == 1);

  Fixture g;
  g.inner.script = {fail(ErrorKind::Transient, "reset")};
  g.inner.body_before_failure = "abc";
  http::Request sunk;
  sunk.sink = [](const http::Response&, std::string_view) { return Result<void>(); };
  CHECK_FALSE(g.send(sunk).ok());
  CHECK(g.inner.calls == 1);
}

TEST_CASE("a stop ends the pauses") {
  Fixture f;
  f.inner.script = {status(503)};
  std::stop_source stop;
  stop.request_stop();
  CHECK(f.send({}, stop.get_token())->status == 503);
  CHECK(f.inner.calls == 1);
}
