// Who is USER? Reads the texts of /etc/passwd and /etc/group, which may be absent, long or broken:
// lines that do not parse are passed over, as libc does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace imagebuild {

struct ResolvedUser {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> supplementary_groups;  // sorted, without gid
  std::string home = "/";
};

/// USER's `name|uid[:group|gid]`; empty is root. A user by name has its primary gid and,
/// unless a group is named, the groups that list it; a uid has the same if /etc/passwd
/// knows it, else gid 0 and home "/". InvalidInput: a name that is not in the file (named),
/// an id that is none or ≥ 65535.
Result<ResolvedUser> resolve_user(std::string_view user, std::string_view passwd,
                                  std::string_view group);

struct OwnerIds {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

/// --chown's `user[:group]`: without a group, a name has its primary gid and a number is the gid
/// too (Dockerfile reference, COPY --chown).
Result<OwnerIds> resolve_owner(std::string_view owner, std::string_view passwd,
                               std::string_view group);

}  // namespace imagebuild
