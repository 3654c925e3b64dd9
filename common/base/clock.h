// Time as a dependency: SystemClock in programs, FakeClock (tests/support) in tests.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace imagebuild {

using TimePoint = std::chrono::sys_time<std::chrono::milliseconds>;
using Duration = std::chrono::milliseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall-clock time.
  virtual TimePoint now() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const override;
};

/// RFC 3339 in UTC, seconds: "2026-11-24T07:00:00Z".
std::string format_rfc3339(TimePoint time);
/// RFC 3339 with up to nine fractional digits and any offset.
Result<TimePoint> parse_rfc3339(std::string_view text);
/// Go's duration syntax as Kubernetes uses it: "1h30m", "500ms", "15s". InvalidInput otherwise.
Result<Duration> parse_duration(std::string_view text);

}  // namespace imagebuild
