#include "builder/sandbox/oom.h"

#include <charconv>
#include <string>

#include "common/base/unique_fd.h"

namespace imagebuild::sandbox {
namespace {

/// Our path in the hierarchy whose controllers field is `controllers`: lines "id:controllers:path".
std::optional<std::string> cgroup_path(std::string_view text, std::string_view controllers) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto first = line.find(':');
    const auto second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos || line.substr(first + 1, second - first - 1) != controllers) continue;
    return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

std::optional<std::uint64_t> count_in(const std::string& path) {
  auto text = read_file(path, 64 << 10);
  if (!text) return std::nullopt;
  return parse_oom_kills(*text);
}

}  // namespace

std::optional<std::uint64_t> parse_oom_kills(std::string_view text) {
  constexpr std::string_view name = "oom_kill ";
  std::size_t at = text.find(name);
  while (at != text.npos && at != 0 && text[at - 1] != '\n') at = text.find(name, at + 1);
  if (at == text.npos) return std::nullopt;
  const std::string_view rest = text.substr(at + name.size());
  std::uint64_t value = 0;
  if (std::from_chars(rest.data(), rest.data() + rest.size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

std::optional<std::uint64_t> oom_kill_count() {
  auto own = read_file("/proc/self/cgroup", 64 << 10);
  if (!own) return std::nullopt;
  // A pod sees its own cgroup as "/" or, without a cgroup namespace, by a path that is not mounted
  // there: then the mount's root is ours.
  if (const auto path = cgroup_path(*own, "memory")) {
    if (const auto count = count_in("/sys/fs/cgroup/memory" + *path + "/memory.oom_control"))
      return count;
    if (const auto count = count_in("/sys/fs/cgroup/memory/memory.oom_control")) return count;
  }
  if (const auto path = cgroup_path(*own, "")) {
    if (const auto count = count_in("/sys/fs/cgroup" + *path + "/memory.events")) return count;
    return count_in("/sys/fs/cgroup/memory.events");
  }
  return std::nullopt;
}

}  // namespace imagebuild::sandbox
