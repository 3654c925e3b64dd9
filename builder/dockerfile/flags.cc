// Flags and the small value formats in them: see flags.h.
#include "builder/dockerfile/flags.h"

#include <charconv>
#include <cmath>

#include "builder/dockerfile/text.h"

namespace imagebuild::dockerfile {

Result<Flags> Flags::parse(const std::vector<std::string>& flags,
                           std::initializer_list<FlagSpec> specs) {
  Flags parsed;
  for (const std::string& flag : flags) {
    Cut pair = cut(std::string_view(flag).substr(2), '=');
    std::string name(pair.before);
    std::string shown = "--" + name;
    const FlagSpec* spec = nullptr;
    std::vector<std::string> names;
    for (const FlagSpec& candidate : specs) {
      if (name == candidate.name) spec = &candidate;
      names.emplace_back(candidate.name);
    }
    if (spec == nullptr) {
      std::string expected;
      for (const std::string& known : names)
        expected += (expected.empty() ? "" : ", ") + ("--" + known);
      return fail(ErrorKind::InvalidInput,
                  "unknown flag " + shown + did_you_mean(name, names, "--") +
                      (names.empty() ? "; it takes no flags" : "; it takes " + expected));
    }
    std::vector<std::string>& values = parsed.values_[name];
    if (!values.empty() && spec->kind != FlagSpec::Kind::Repeated) {
      return fail(ErrorKind::InvalidInput, "flag " + shown + " is given twice");
    }
    std::string value(pair.after);
    if (spec->kind == FlagSpec::Kind::Boolean) {
      if (!pair.found) value = "true";
      value = lower(value);
      if (value != "true" && value != "false") {
        return fail(ErrorKind::InvalidInput,
                    "flag " + shown + ": expected true or false, found " + in_quotes(pair.after));
      }
    } else if (!pair.found) {
      return fail(ErrorKind::InvalidInput, "flag " + shown + " needs a value (" + shown + "=…)");
    }
    values.push_back(std::move(value));
  }
  return parsed;
}

std::optional<bool> Flags::boolean(const std::string& name) const {
  auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second.front() == "true";
}

std::string Flags::text(const std::string& name) const {
  auto found = values_.find(name);
  return found == values_.end() ? std::string() : found->second.front();
}

std::vector<std::string> Flags::all(const std::string& name) const {
  auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::optional<bool> parse_bool(std::string_view text) {
  for (std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return true;
  }
  for (std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

Result<std::vector<std::string>> split_csv(std::string_view text) {
  std::vector<std::string> fields;
  for (std::size_t i = 0;;) {
    std::string field;
    if (i < text.size() && text[i] == '"') {
      for (++i;; ++i) {
        if (i >= text.size())
          return fail(ErrorKind::InvalidInput, "missing closing \" in " + in_quotes(text));
        if (text[i] != '"') {
          field += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == '"') {
          field += text[i++];
        } else {
          ++i;
          break;
        }
      }
      if (i < text.size() && text[i] != ',')
        return fail(ErrorKind::InvalidInput,
                    "expected a comma after a quoted field in " + in_quotes(text));
    } else {
      std::size_t end = std::min(text.find(',', i), text.size());
      field = text.substr(i, end - i);
      if (field.find('"') != std::string::npos)
        return fail(ErrorKind::InvalidInput, "stray \" in " + in_quotes(field));
      i = end;
    }
    fields.push_back(std::move(field));
    if (i >= text.size()) return fields;
    ++i;
  }
}

std::optional<std::uint32_t> parse_u32(std::string_view text, int base) {
  std::uint32_t value = 0;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (status != std::errc() || end != text.data() + text.size() || text.empty())
    return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_ram_bytes(std::string_view text) {
  std::size_t digits = text.find_first_not_of("0123456789.");
  std::string_view number = text.substr(0, digits);
  std::string unit = digits == std::string_view::npos ? "" : lower(trim(text.substr(digits)));
  double value = 0;
  auto [end, status] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (number.empty() || status != std::errc() || end != number.data() + number.size())
    return std::nullopt;
  int power = 0;
  if (!unit.empty() && unit != "b") {
    std::size_t at = std::string_view("kmgtp").find(unit[0]);
    if (at == std::string_view::npos) return std::nullopt;
    power = static_cast<int>(at) + 1;
    std::string_view tail = std::string_view(unit).substr(1);
    if (!tail.empty() && tail != "b" && tail != "ib") return std::nullopt;
  }
  value = std::ldexp(value, 10 * power);
  if (value >= 9.0e18) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

std::optional<std::int64_t> parse_nanoseconds(std::string_view text) {
  struct Unit {
    std::string_view name;
    double nanoseconds;
  };
  static constexpr Unit kUnits[] = {{"ns", 1},   {"us", 1e3}, {"µs", 1e3}, {"μs", 1e3},
                                    {"ms", 1e6}, {"s", 1e9},  {"m", 60e9}, {"h", 3600e9}};
  if (text == "0" || text == "+0") return 0;
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    std::string_view number = text.substr(0, digits);
    double value = 0;
    auto [end, status] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (number.empty() || status != std::errc() || end != number.data() + number.size())
      return std::nullopt;
    text.remove_prefix(digits);
    std::size_t length = std::min(text.find_first_of("0123456789."), text.size());
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits) {
      if (candidate.name == text.substr(0, length)) unit = &candidate;
    }
    if (unit == nullptr) return std::nullopt;
    total += value * unit->nanoseconds;
    text.remove_prefix(length);
  }
  if (total >= 9.0e18) return std::nullopt;
  return static_cast<std::int64_t>(std::llround(total));
}

}  // namespace imagebuild::dockerfile
