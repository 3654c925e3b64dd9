#include "builder/layer/mode_change.h"

#include <charconv>

namespace imagebuild {

namespace {

constexpr std::uint32_t kUser = 04700;
constexpr std::uint32_t kGroup = 02070;
constexpr std::uint32_t kOther = 01007;
constexpr std::uint32_t kAll = 07777;

bool is_operation(char c) { return c == '-' || c == '+' || c == '='; }

std::uint32_t who_of(char c) {
  switch (c) {
    case 'u':
      return kUser;
    case 'g':
      return kGroup;
    case 'o':
      return kOther;
    case 'a':
      return kAll;
    default:
      return 0;
  }
}

std::uint32_t permission_of(char c) {
  switch (c) {
    case 'r':
      return 0444;
    case 'w':
      return 0222;
    case 'x':
      return 0111;
    case 's':
      return 06000;
    case 't':
      return 01000;
    default:
      return 0;
  }
}

/// The three bits of u, g or o, for everybody.
std::uint32_t copied(std::uint32_t mode, char from) {
  const std::uint32_t bits = (mode >> (from == 'u' ? 6 : from == 'g' ? 3 : 0)) & 7;
  return bits << 6 | bits << 3 | bits;
}

}  // namespace

Result<void> ModeChange::parse_clause(std::string_view clause, std::vector<Action>& actions) {
  const auto invalid = [] { return fail(ErrorKind::InvalidInput, "clause"); };
  std::uint32_t who = 0;
  while (!clause.empty() && who_of(clause.front()) != 0) {
    who |= who_of(clause.front());
    clause.remove_prefix(1);
  }
  if (clause.empty()) return invalid();
  while (!clause.empty()) {
    Action action{.who = who == 0 ? kAll : who, .operation = clause.front()};
    if (!is_operation(clause.front())) return invalid();
    clause.remove_prefix(1);
    const bool copies = !clause.empty() && clause.front() != 'a' && who_of(clause.front()) != 0;
    if (copies) {
      action.copy_from = clause.front();
      clause.remove_prefix(1);
    }
    while (!copies && !clause.empty() && !is_operation(clause.front())) {
      if (clause.front() == 'X')
        action.execute_if_useful = true;
      else if (permission_of(clause.front()) == 0)
        return invalid();
      action.bits |= permission_of(clause.front());
      clause.remove_prefix(1);
    }
    actions.push_back(action);
  }
  return {};
}

Result<ModeChange> ModeChange::parse(std::string_view text) {
  ModeChange change;
  change.text_ = text;
  const auto invalid = [&] {
    return fail(ErrorKind::InvalidInput,
                "--chmod=" + std::string(text) +
                    ": expected an octal mode up to 07777, or clauses such as u=rwX,go=rX");
  };
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
    std::uint32_t mode = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
    if (error != std::errc() || end != text.data() + text.size() || mode > kAll) return invalid();
    change.octal_ = mode;
    return change;
  }
  for (std::string_view rest = text;;) {
    const auto comma = rest.find(',');
    if (!parse_clause(rest.substr(0, comma), change.actions_)) return invalid();
    if (comma == std::string_view::npos) return change;
    rest.remove_prefix(comma + 1);
  }
}

std::uint32_t ModeChange::apply(std::uint32_t mode, bool directory) const {
  if (octal_) return *octal_;
  const bool executable = directory || (mode & 0111) != 0;
  mode &= kAll;
  for (const Action& action : actions_) {
    std::uint32_t bits = action.bits;
    if (action.execute_if_useful && executable) bits |= 0111;
    if (action.copy_from != '\0') bits = copied(mode, action.copy_from);
    bits &= action.who;
    if (action.operation == '+')
      mode |= bits;
    else if (action.operation == '-')
      mode &= ~bits;
    else
      mode = (mode & ~action.who) | bits;
  }
  return mode;
}

}  // namespace imagebuild
