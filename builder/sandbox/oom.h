// How many processes the kernel's OOM killer has ended in our cgroup: read before and after a step,
// the difference tells an OOM kill from any other SIGKILL.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace imagebuild::sandbox {

/// nullopt when the cgroup's files are not visible here.
/// Knows cgroup v2 (memory.events) and v1 (memory.oom_control).
std::optional<std::uint64_t> oom_kill_count();

/// The value of `oom_kill` in either file's text.
std::optional<std::uint64_t> parse_oom_kills(std::string_view text);

}  // namespace imagebuild::sandbox
