// The `--name=value` flags of one instruction against the flags it knows.
// Pure; internal to this module.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace imagebuild::dockerfile {

struct FlagSpec {
  enum class Kind { Boolean, Text, Repeated };
  const char* name;
  Kind kind = Kind::Text;
};

class Flags {
 public:
  /// InvalidInput: a flag that is not among `specs` (with the nearest that is), one given twice, a
  /// value missing or wrong.
  static Result<Flags> parse(const std::vector<std::string>& flags,
                             std::initializer_list<FlagSpec> specs);

  bool has(const std::string& name) const { return values_.count(name) != 0; }
  std::optional<bool> boolean(const std::string& name) const;
  /// The value, or "".
  std::string text(const std::string& name) const;
  std::vector<std::string> all(const std::string& name) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

/// Go's strconv.ParseBool: 1, t, true, 0, f, false in any of its cases; nullopt otherwise.
std::optional<bool> parse_bool(std::string_view text);
/// Comma-separated fields, each may stand in double quotes ("" inside is a quote).
Result<std::vector<std::string>> split_csv(std::string_view text);
/// An unsigned number in base 8 or 10 up to 32 bits.
std::optional<std::uint32_t> parse_u32(std::string_view text, int base);
/// "64m", "1.5GiB", "100": binary units.
std::optional<std::uint64_t> parse_ram_bytes(std::string_view text);
/// Go's duration ("1m30s", "500ms", "0") in nanoseconds, not negative.
std::optional<std::int64_t> parse_nanoseconds(std::string_view text);

}  // namespace imagebuild::dockerfile
