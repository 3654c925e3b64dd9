// Which ids the build's user namespace gets, and who may write that map. The choice is pure: facts
// in, plan or the exact missing permission out.
//
// The range never holds the builder's own uid, so RUN's root can neither signal the
// builder nor write its files; on a plain machine it is a subordinate range, never the
// host's 1 to 65535, which are people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace imagebuild {

/// One line of /proc/PID/uid_map.
struct IdRange {
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 0;
  friend bool operator==(const IdRange&, const IdRange&) = default;
};
using IdRanges = std::vector<IdRange>;

enum class IdMapMethod {
  PodUserNamespace,  ///< uid 0 of a user namespace with CAP_SETUID and CAP_SETGID: `0 1 65535`
  SubordinateRoot,   ///< real root on a plain machine: a subordinate range, written directly
  NewIdMap,          ///< an ordinary user: newuidmap and newgidmap with /etc/subuid and /etc/subgid
};
/// "pod user namespace", "subordinate range as root", "newuidmap".
std::string_view to_string(IdMapMethod method);

struct IdPlan {
  IdMapMethod method = IdMapMethod::SubordinateRoot;
  IdRanges uids;
  IdRanges gids;
};

/// What the choice depends on; gather_id_facts() reads it from this process.
struct IdFacts {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string user;  ///< login name, empty if there is none
  IdRanges uid_map;  ///< /proc/self/uid_map
  IdRanges gid_map;
  bool cap_setuid = false;  ///< effective
  bool cap_setgid = false;
  bool in_pod = false;  ///< KUBERNETES_SERVICE_HOST is set
  std::string subuid;   ///< contents of /etc/subuid
  std::string subgid;
  /// Each empty when usable, else what is wrong: "newuidmap is not installed".
  std::string newuidmap_problem;
  std::string newgidmap_problem;
};

IdFacts gather_id_facts();

/// Denied: names the missing permission and how to get it.
Result<IdPlan> choose_id_plan(const IdFacts& facts);

/// Parses /proc/PID/uid_map.
Result<IdRanges> parse_id_map(std::string_view text);
/// The extents of one user in /etc/subuid (login name or number), as (first, count) in file order.
std::vector<std::pair<std::uint32_t, std::uint32_t>> parse_subordinate_ids(std::string_view text,
                                                                           std::string_view user,
                                                                           std::uint32_t uid);

/// Writes the plan's maps for process `pid`, a direct child in a new user namespace.
Result<void> write_id_maps(int pid, const IdPlan& plan);

}  // namespace imagebuild
