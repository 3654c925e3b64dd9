#include "common/base/clock.h"

#include "common/base/backoff.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace std::chrono_literals;

TEST_CASE("RFC 3339 round-trips and accepts offsets and fractions") {
  auto time = parse_rfc3339("2026-11-24T08:30:00.123456Z");
  REQUIRE(time.ok());
  CHECK(format_rfc3339(*time) == "2026-11-24T08:30:00Z");
  CHECK(time->time_since_epoch().count() % 1000 == 123);
  CHECK(*parse_rfc3339("2026-11-24T09:30:00.123+01:00") == *time);
  for (const char* bad : {"", "2026-11-24", "2026-11-24T08:30:00", "2026-11-24T08:30:00.Z",
                          "2026-11-24T08:30:00Zx"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_rfc3339(bad).ok());
  }
}

TEST_CASE("durations are written as in Go") {
  CHECK(*parse_duration("1h30m") == 90min);
  CHECK(*parse_duration("500ms") == 500ms);
  CHECK(*parse_duration("0") == 0ms);
  CHECK(*parse_duration("1.5s") == 1500ms);
  for (const char* bad : {"", "5", "m", "5 m", "5d", "-1s"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_duration(bad).ok());
  }
}

TEST_CASE("back-off doubles up to its limit and jitter stays within bounds") {
  Backoff backoff{.first = 800ms, .factor = 2, .limit = 30s, .jitter = 0.2};
  CHECK(backoff.base(0) == 800ms);
  CHECK(backoff.base(1) == 1600ms);
  CHECK(backoff.base(40) == 30s);
  CHECK(backoff.delay(0, 0.0) == 640ms);
  CHECK(backoff.delay(0, 0.999) < 961ms);
}
