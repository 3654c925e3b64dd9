#include "common/base/byte_size.h"

#include <cctype>
#include <cmath>
#include <cstdio>

namespace imagebuild {
namespace {

std::string format_with(std::uint64_t bytes, const char* blank) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + blank + "B";
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1023.95 would print as "1024.0": move on to the next unit before rounding does.
  while (value >= 1023.95 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  char text[48];
  std::snprintf(text, sizeof text, "%.1f%s%s", value, blank, kUnits[unit]);
  return text;
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) { return format_with(bytes, " "); }
std::string format_bytes_compact(std::uint64_t bytes) { return format_with(bytes, ""); }

std::string format_delta(std::int64_t bytes) {
  if (bytes == 0) return "±0 B";
  std::uint64_t magnitude =
      bytes < 0 ? 0 - static_cast<std::uint64_t>(bytes) : static_cast<std::uint64_t>(bytes);
  return (bytes < 0 ? "-" : "+") + format_bytes(magnitude);
}

Result<std::uint64_t> parse_quantity(std::string_view text) {
  auto invalid = [&] {
    return fail(ErrorKind::InvalidInput,
                "not a size (such as 300Mi, 1G or 1048576): '" + std::string(text) + "'");
  };
  std::size_t digits = 0;
  while (digits < text.size() &&
         (std::isdigit(static_cast<unsigned char>(text[digits])) || text[digits] == '.'))
    ++digits;
  if (digits == 0 || digits > 20) return invalid();
  std::string number_text(text.substr(0, digits));
  double number = 0;
  int used = 0;
  if (std::sscanf(number_text.c_str(), "%lf%n", &number, &used) != 1 ||
      used != static_cast<int>(digits))
    return invalid();
  std::string_view suffix = text.substr(digits);
  static constexpr std::pair<std::string_view, double> kSuffixes[] = {{"", 1},
                                                                      {"k", 1e3},
                                                                      {"M", 1e6},
                                                                      {"G", 1e9},
                                                                      {"T", 1e12},
                                                                      {"P", 1e15},
                                                                      {"Ki", 1024.0},
                                                                      {"Mi", 1048576.0},
                                                                      {"Gi", 1073741824.0},
                                                                      {"Ti", 1099511627776.0},
                                                                      {"Pi", 1125899906842624.0}};
  for (auto [name, factor] : kSuffixes) {
    if (suffix != name) continue;
    double bytes = std::ceil(number * factor);
    if (bytes > 9.2e18) return invalid();
    return static_cast<std::uint64_t>(bytes);
  }
  return invalid();
}

}  // namespace imagebuild
