#include "common/kube/watch_decoder.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::kube;

namespace {

const std::string kStream =
    R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"5"}}})"
    "\n"
    R"({"type":"MODIFIED","object":{"metadata":{"name":"ä\n","resourceVersion":"6"}}})"
    "\n\n"
    R"({"type":"DELETED","object":{"metadata":{"name":"a","resourceVersion":"7"}}})"
    "\r\n"
    R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}})"
    "\n"
    R"({"type":"ERROR","object":{"kind":"Status","code":410}})"
    "\n";

struct Collected {
  std::vector<WatchEvent> events;
  std::function<Result<void>(WatchEvent)> sink() {
    return [this](WatchEvent event) -> Result<void> {
      events.push_back(std::move(event));
      return {};
    };
  }
};

}  // namespace

TEST_CASE("a watch stream decodes to the same events however it is cut into pieces") {
  for (std::size_t piece : {1u, 2u, 3u, 7u, 64u, 100000u}) {
    CAPTURE(piece);
    WatchDecoder decoder;
    Collected got;
    for (std::size_t at = 0; at < kStream.size(); at += piece)
      REQUIRE(decoder.feed(std::string_view(kStream).substr(at, piece), got.sink()).ok());
    REQUIRE(got.events.size() == 5);
    CHECK(got.events[0].type == WatchEvent::Type::Added);
    CHECK(got.events[1].type == WatchEvent::Type::Modified);
    CHECK(got.events[1].object["metadata"]["name"] == "ä\n");
    CHECK(got.events[2].type == WatchEvent::Type::Deleted);
    CHECK(got.events[3].type == WatchEvent::Type::Bookmark);
    CHECK(got.events[3].resource_version() == "9");
    CHECK(got.events[4].type == WatchEvent::Type::Error);
    CHECK_FALSE(decoder.inside_event());
  }
}

TEST_CASE("a stream that ends inside an event is noticed") {
  WatchDecoder decoder;
  Collected got;
  REQUIRE(decoder.feed(R"({"type":"ADDED","obj)", got.sink()).ok());
  CHECK(got.events.empty());
  CHECK(decoder.inside_event());
}

TEST_CASE("what is no event is an error that says so") {
  for (auto [text, part] : std::initializer_list<std::pair<std::string, std::string>>{
           {"<html>\n", "not JSON"},
           {R"({"type":"EXPLODED","object":{}})"
            "\n",
            "EXPLODED"},
           {R"({"type":"ADDED"})"
            "\n",
            "no object"},
           {R"({"type":"ADDED","object":[]})"
            "\n",
            "no object"},
           {R"({"object":{}})"
            "\n",
            "unknown type"},
           {"17\n", "unknown type"}}) {
    CAPTURE(text);
    WatchDecoder decoder;
    Collected got;
    auto fed = decoder.feed(text, got.sink());
    REQUIRE_FALSE(fed.ok());
    CHECK(fed.error().message.find(part) != std::string::npos);
  }
}

TEST_CASE("an endless line cannot fill the memory") {
  WatchDecoder decoder(100);
  Collected got;
  std::string sixty(60, 'x');
  REQUIRE(decoder.feed(sixty, got.sink()).ok());
  auto fed = decoder.feed(sixty, got.sink());
  REQUIRE_FALSE(fed.ok());
  CHECK(fed.error().kind == ErrorKind::InvalidInput);
}

TEST_CASE("an error of the receiver ends decoding and comes back") {
  WatchDecoder decoder;
  int seen = 0;
  auto fed = decoder.feed(kStream, [&](WatchEvent) -> Result<void> {
    ++seen;
    return fail(ErrorKind::Canceled, "enough");
  });
  REQUIRE_FALSE(fed.ok());
  CHECK(fed.error().message == "enough");
  CHECK(seen == 1);
}
