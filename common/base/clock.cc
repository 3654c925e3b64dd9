#include "common/base/clock.h"

#include <cctype>
#include <cstdio>
#include <ctime>
#include <limits>

namespace imagebuild {

TimePoint SystemClock::now() const {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::string format_rfc3339(TimePoint time) {
  std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Result<TimePoint> parse_rfc3339(std::string_view text) {
  auto invalid = [&] {
    return fail(ErrorKind::InvalidInput, "not an RFC 3339 time: '" + std::string(text) + "'");
  };
  std::string copy(text);
  std::tm parts{};
  const char* rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return invalid();
  long millis = 0;
  if (*rest == '.') {
    int digits = 0;
    for (++rest; std::isdigit(static_cast<unsigned char>(*rest)); ++rest, ++digits)
      if (digits < 3) millis = millis * 10 + (*rest - '0');
    if (digits == 0 || digits > 9) return invalid();
    for (; digits < 3; ++digits) millis *= 10;
  }
  long offset = 0;
  if (*rest == '+' || *rest == '-') {
    int hours = 0, minutes = 0, used = 0;
    if (std::sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || used != 5)
      return invalid();
    offset = (hours * 3600L + minutes * 60L) * (*rest == '+' ? 1 : -1);
    rest += 6;
  } else if (*rest == 'Z' || *rest == 'z') {
    ++rest;
  } else {
    return invalid();
  }
  if (*rest != '\0') return invalid();
  return TimePoint(std::chrono::seconds(::timegm(&parts) - offset) +
                   std::chrono::milliseconds(millis));
}

Result<Duration> parse_duration(std::string_view text) {
  auto invalid = [&] {
    return fail(ErrorKind::InvalidInput,
                "not a duration (such as 90s, 5m or 1h30m): '" + std::string(text) + "'");
  };
  std::string_view rest = text;
  if (rest == "0") return Duration(0);
  if (rest.empty()) return invalid();
  double total = 0;
  while (!rest.empty()) {
    std::size_t digits = 0;
    while (digits < rest.size() &&
           (std::isdigit(static_cast<unsigned char>(rest[digits])) || rest[digits] == '.'))
      ++digits;
    if (digits == 0 || digits > 15) return invalid();
    double number = 0;
    int used = 0;
    std::string number_text(rest.substr(0, digits));
    if (std::sscanf(number_text.c_str(), "%lf%n", &number, &used) != 1 ||
        used != static_cast<int>(digits))
      return invalid();
    rest.remove_prefix(digits);
    double unit = 0;
    if (rest.starts_with("ms")) {
      unit = 1;
      rest.remove_prefix(2);
    } else if (rest.starts_with("h")) {
      unit = 3'600'000;
      rest.remove_prefix(1);
    } else if (rest.starts_with("m")) {
      unit = 60'000;
      rest.remove_prefix(1);
    } else if (rest.starts_with("s")) {
      unit = 1'000;
      rest.remove_prefix(1);
    } else
      return invalid();
    total += number * unit;
  }
  if (total > 9e15) return invalid();
  return Duration(static_cast<Duration::rep>(total));
}

}  // namespace imagebuild
