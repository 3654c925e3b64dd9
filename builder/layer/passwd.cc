#include "builder/layer/passwd.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>

namespace imagebuild {

namespace {

constexpr std::uint32_t kIdLimit = 65535;  // the mapped ids end below it

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::uint32_t> parse_id(std::string_view text) {
  std::uint32_t id = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (!is_number(text) || error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return id;
}

Result<std::uint32_t> checked_id(std::string_view text) {
  auto id = parse_id(text);
  if (!id || *id >= kIdLimit)
    return fail(ErrorKind::InvalidInput, "id " + std::string(text) + " is not between 0 and " +
                                             std::to_string(kIdLimit - 1));
  return *id;
}

struct PasswdLine {
  std::string_view name;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string_view home;
};

struct GroupLine {
  std::string_view name;
  std::uint32_t gid = 0;
  std::vector<std::string_view> members;
};

/// Calls `take` with the fields of each line that has at least `minimum`;
/// stops when it returns true.
void for_each_line(std::string_view text, std::size_t minimum,
                   const std::function<bool(const std::vector<std::string_view>&)>& take) {
  for (auto line : split(text, '\n')) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    auto fields = split(line, ':');
    if (fields.size() >= minimum && take(fields)) return;
  }
}

std::optional<PasswdLine> find_user(std::string_view passwd,
                                    const std::function<bool(const PasswdLine&)>& wanted) {
  std::optional<PasswdLine> found;
  for_each_line(passwd, 4, [&](const auto& fields) {
    auto uid = parse_id(fields[2]);
    auto gid = parse_id(fields[3]);
    if (!uid || !gid) return false;
    PasswdLine line{fields[0], *uid, *gid, fields.size() > 5 ? fields[5] : std::string_view()};
    if (!wanted(line)) return false;
    found = line;
    return true;
  });
  return found;
}

std::vector<GroupLine> groups_of(std::string_view group) {
  std::vector<GroupLine> lines;
  for_each_line(group, 3, [&](const auto& fields) {
    auto gid = parse_id(fields[2]);
    if (!gid) return false;
    lines.push_back({fields[0], *gid,
                     fields.size() > 3 ? split(fields[3], ',') : std::vector<std::string_view>()});
    return false;
  });
  return lines;
}

Result<std::uint32_t> resolve_group(std::string_view name, std::string_view group) {
  if (is_number(name)) return checked_id(name);
  for (const auto& line : groups_of(group))
    if (line.name == name) return checked_id(std::to_string(line.gid));
  return fail(ErrorKind::InvalidInput, "group " + std::string(name) + " is not in /etc/group");
}

std::vector<std::uint32_t> groups_listing(std::string_view user, std::uint32_t primary,
                                          std::string_view group) {
  std::vector<std::uint32_t> ids;
  for (const auto& line : groups_of(group))
    if (line.gid != primary && line.gid < kIdLimit &&
        std::find(line.members.begin(), line.members.end(), user) != line.members.end())
      ids.push_back(line.gid);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

struct UserAndGroup {
  std::string_view user;
  std::optional<std::string_view> group;
};

Result<UserAndGroup> split_owner(std::string_view text) {
  std::size_t colon = text.find(':');
  UserAndGroup parts{text.substr(0, colon), std::nullopt};
  if (colon != std::string_view::npos) parts.group = text.substr(colon + 1);
  if (parts.user.empty() ||
      (parts.group && (parts.group->empty() || parts.group->find(':') != std::string_view::npos)))
    return fail(ErrorKind::InvalidInput,
                "user '" + std::string(text) + "': expected user or user:group");
  return parts;
}

Error unknown_user(std::string_view name) {
  return fail(ErrorKind::InvalidInput, "user " + std::string(name) + " is not in /etc/passwd");
}

}  // namespace

Result<ResolvedUser> resolve_user(std::string_view user, std::string_view passwd,
                                  std::string_view group) {
  auto parts = user.empty() ? UserAndGroup{"0", std::nullopt} : TRY(split_owner(user));
  const bool numeric = is_number(parts.user);
  ResolvedUser resolved;
  if (numeric) resolved.uid = TRY(checked_id(parts.user));
  auto line = find_user(passwd, [&](const PasswdLine& candidate) {
    return numeric ? candidate.uid == resolved.uid : candidate.name == parts.user;
  });
  if (!line && !numeric) return unknown_user(parts.user);
  if (line) {
    resolved.uid = TRY(checked_id(std::to_string(line->uid)));
    if (!line->home.empty()) resolved.home = std::string(line->home);
  }
  if (parts.group) {
    resolved.gid = TRY(resolve_group(*parts.group, group));
  } else if (line) {
    resolved.gid = TRY(checked_id(std::to_string(line->gid)));
    resolved.supplementary_groups = groups_listing(line->name, line->gid, group);
  }
  return resolved;
}

Result<OwnerIds> resolve_owner(std::string_view owner, std::string_view passwd,
                               std::string_view group) {
  auto parts = TRY(split_owner(owner));
  OwnerIds ids;
  if (is_number(parts.user)) {
    ids.uid = ids.gid = TRY(checked_id(parts.user));
  } else {
    auto line = find_user(
        passwd, [&](const PasswdLine& candidate) { return candidate.name == parts.user; });
    if (!line) return unknown_user(parts.user);
    ids.uid = TRY(checked_id(std::to_string(line->uid)));
    ids.gid = parts.group ? 0 : TRY(checked_id(std::to_string(line->gid)));
  }
  if (parts.group) ids.gid = TRY(resolve_group(*parts.group, group));
  return ids;
}

}  // namespace imagebuild
