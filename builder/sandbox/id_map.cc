#include "builder/sandbox/id_map.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "common/base/unique_fd.h"

namespace imagebuild {
namespace {

constexpr std::uint32_t wanted_ids = 65536;
// First id of the range systemd documents as unused (0x70000000 to 0x7FFDFFFF): neither people, nor
// systemd's containers, nor the foreign range. Used by root when /etc/subuid gives it nothing.
constexpr std::uint32_t default_first = 0x70000000;

using Extent = std::pair<std::uint32_t, std::uint32_t>;  // first, count

bool parse_number(std::string_view text, std::uint32_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto begin = text.find_first_not_of(separators);
    if (begin == text.npos) break;
    text.remove_prefix(begin);
    const auto end = std::min(text.find_first_of(separators), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return parts;
}

bool is_initial_namespace(const IdRanges& map) {
  return map.size() == 1 && map[0] == IdRange{0, 0, 0xffffffffu};
}

/// How many ids after `first` exist without a gap in a namespace with this map.
std::uint32_t contiguous_from(IdRanges map, std::uint32_t first) {
  std::sort(map.begin(), map.end(), [](auto& a, auto& b) { return a.inside < b.inside; });
  std::uint64_t next = first;
  for (const IdRange& range : map) {
    const std::uint64_t end = std::uint64_t{range.inside} + range.count;
    if (range.inside <= next && end > next) next = end;
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(next - first, wanted_ids));
}

/// Extents without `own`, the builder's id: RUN's processes must not be the builder's user.
std::vector<Extent> without(const std::vector<Extent>& extents, std::uint32_t own) {
  std::vector<Extent> kept;
  for (const auto& [first, count] : extents) {
    if (own < first || own - first >= count) {
      kept.emplace_back(first, count);
      continue;
    }
    if (own > first) kept.emplace_back(first, own - first);
    if (first + count - 1 > own) kept.emplace_back(own + 1, first + count - 1 - own);
  }
  return kept;
}

/// Lays extents one after the other from inside id 0, 65536 at most.
IdRanges lay_out(const std::vector<Extent>& extents) {
  IdRanges ranges;
  std::uint32_t inside = 0;
  for (const auto& [first, count] : extents) {
    const std::uint32_t take = std::min(count, wanted_ids - inside);
    if (take == 0) continue;
    ranges.push_back({inside, first, take});
    inside += take;
  }
  return ranges;
}

Result<IdPlan> plan_in_user_namespace(const IdFacts& facts) {
  if (!facts.cap_setuid || !facts.cap_setgid) {
    return fail(ErrorKind::Denied,
                "uid 0 of a user namespace needs CAP_SETUID and CAP_SETGID to map many ids "
                "(pod: capabilities add [SETUID, SETGID])");
  }
  // Shifted by one: id 0 of this namespace is the builder,
  // and mapping it would need CAP_SETFCAP as well.
  const std::uint32_t uids = contiguous_from(facts.uid_map, 1);
  const std::uint32_t gids = contiguous_from(facts.gid_map, 1);
  if (uids == 0 || gids == 0) {
    return fail(ErrorKind::Denied, "this user namespace maps one id only; many are needed");
  }
  return IdPlan{IdMapMethod::PodUserNamespace, {{0, 1, uids}}, {{0, 1, gids}}};
}

Result<IdPlan> plan_as_root(const IdFacts& facts) {
  if (facts.in_pod) {
    return fail(ErrorKind::Denied,
                "refusing to build as uid 0 of the node: the pod has no user namespace (hostUsers: "
                "false was "
                "not set, or the server dropped it); run as uid 1000 with newuidmap instead");
  }
  if (!facts.cap_setuid || !facts.cap_setgid) {
    return fail(ErrorKind::Denied,
                "uid 0 without CAP_SETUID and CAP_SETGID cannot write an id map");
  }
  const auto range = [](const std::vector<Extent>& extents) -> IdRanges {
    for (const auto& [first, count] : extents) {
      if (first >= wanted_ids && count >= wanted_ids) return {{0, first, wanted_ids}};
    }
    return {{0, default_first, wanted_ids}};
  };
  return IdPlan{IdMapMethod::SubordinateRoot, range(parse_subordinate_ids(facts.subuid, "root", 0)),
                range(parse_subordinate_ids(facts.subgid, "root", 0))};
}

Result<IdPlan> plan_with_newuidmap(const IdFacts& facts) {
  for (const std::string& problem : {facts.newuidmap_problem, facts.newgidmap_problem}) {
    if (!problem.empty()) return fail(ErrorKind::Denied, problem);
  }
  const std::string who = facts.user.empty() ? std::to_string(facts.uid) : facts.user;
  IdPlan plan{
      IdMapMethod::NewIdMap,
      lay_out(without(parse_subordinate_ids(facts.subuid, facts.user, facts.uid), facts.uid)),
      lay_out(without(parse_subordinate_ids(facts.subgid, facts.user, facts.uid), facts.gid))};
  if (plan.uids.empty()) {
    return fail(ErrorKind::Denied,
                "/etc/subuid has no entry for " + who + " (usermod --add-subuids)");
  }
  if (plan.gids.empty()) {
    return fail(ErrorKind::Denied,
                "/etc/subgid has no entry for " + who + " (usermod --add-subgids)");
  }
  return plan;
}

std::string find_program(const char* name) {
  for (const char* folder : {"/usr/bin/", "/usr/local/bin/", "/bin/"}) {
    std::string path = std::string(folder) + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

/// newuidmap has to run with CAP_SETUID: by its set-uid bit or, in pods, by file capabilities.
std::string helper_problem(const char* name) {
  const std::string path = find_program(name);
  if (path.empty()) return std::string(name) + " is not installed (Debian package uidmap)";
  struct stat st {};
  if (::stat(path.c_str(), &st) == 0 && (st.st_mode & S_ISUID) && st.st_uid == 0) return {};
  if (::getxattr(path.c_str(), "security.capability", nullptr, 0) > 0) return {};
  return path +
         " has neither the set-uid bit nor file capabilities (setcap cap_setuid,cap_setgid+ep)";
}

bool effective_capability(int capability) {
  auto status = read_file("/proc/self/status");
  if (!status) return false;
  const auto at = status->find("CapEff:\t");
  if (at == std::string::npos) return false;
  return (std::strtoull(status->c_str() + at + 8, nullptr, 16) >> capability) & 1;
}

IdRanges own_map(const char* path) {
  auto text = read_file(path);
  if (!text) return {};
  auto map = parse_id_map(*text);
  return map ? *std::move(map) : IdRanges{};
}

Result<void> write_map(int pid, const char* file, const IdRanges& ranges) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + file;
  std::string text;
  for (const IdRange& range : ranges) {
    text += std::to_string(range.inside) + " " + std::to_string(range.outside) + " " +
            std::to_string(range.count) + "\n";
  }
  auto fd = TRY(open_file(path, O_WRONLY));
  // One write: the kernel takes the whole map at once and only once.
  if (::write(fd.get(), text.data(), text.size()) < 0) return errno_error("write " + path);
  return {};
}

Result<void> run_helper(const char* name, int pid, const IdRanges& ranges) {
  const std::string program = find_program(name);
  std::vector<std::string> words{program, std::to_string(pid)};
  for (const IdRange& range : ranges) {
    words.push_back(std::to_string(range.inside));
    words.push_back(std::to_string(range.outside));
    words.push_back(std::to_string(range.count));
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  auto output = TRY(make_pipe());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output.write.get(), STDERR_FILENO);
  char* no_environment[] = {nullptr};
  pid_t helper = -1;
  const int error =
      ::posix_spawn(&helper, program.c_str(), &actions, nullptr, argv.data(), no_environment);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return errno_error("start " + program, error);
  output.write.reset();
  auto said = read_all(output.read.get(), 64 << 10);
  int status = 0;
  while (::waitpid(helper, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  std::string why = said ? *std::move(said) : std::string();
  while (!why.empty() && why.back() == '\n') why.pop_back();
  return fail(ErrorKind::Denied, std::string(name) + " failed" + (why.empty() ? "" : ": " + why));
}

}  // namespace

std::string_view to_string(IdMapMethod method) {
  switch (method) {
    case IdMapMethod::PodUserNamespace:
      return "pod user namespace";
    case IdMapMethod::SubordinateRoot:
      return "subordinate range as root";
    case IdMapMethod::NewIdMap:
      return "newuidmap";
  }
  return "";
}

Result<IdRanges> parse_id_map(std::string_view text) {
  IdRanges ranges;
  for (const std::string_view line : split(text, "\n")) {
    const auto words = split(line, " \t");
    IdRange range;
    if (words.size() != 3 || !parse_number(words[0], range.inside) ||
        !parse_number(words[1], range.outside) || !parse_number(words[2], range.count)) {
      return fail(ErrorKind::InvalidInput, "id map: not three numbers: " + std::string(line));
    }
    ranges.push_back(range);
  }
  return ranges;
}

std::vector<Extent> parse_subordinate_ids(std::string_view text, std::string_view user,
                                          std::uint32_t uid) {
  const std::string number = std::to_string(uid);
  std::vector<Extent> extents;
  for (const std::string_view line : split(text, "\n")) {
    const auto words = split(line, ":");
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    if (words.size() != 3 || (words[0] != number && (user.empty() || words[0] != user))) continue;
    if (!parse_number(words[1], first) || !parse_number(words[2], count) || count == 0) continue;
    if (first > 0xffffffffu - count) continue;
    extents.emplace_back(first, count);
  }
  return extents;
}

IdFacts gather_id_facts() {
  IdFacts facts;
  facts.uid = ::geteuid();
  facts.gid = ::getegid();
  std::array<char, 4096> buffer{};
  struct passwd entry {};
  struct passwd* found = nullptr;
  if (::getpwuid_r(facts.uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found)
    facts.user = entry.pw_name;
  facts.uid_map = own_map("/proc/self/uid_map");
  facts.gid_map = own_map("/proc/self/gid_map");
  facts.cap_setuid = effective_capability(CAP_SETUID);
  facts.cap_setgid = effective_capability(CAP_SETGID);
  facts.in_pod = std::getenv("KUBERNETES_SERVICE_HOST") != nullptr;
  if (auto text = read_file("/etc/subuid")) facts.subuid = *std::move(text);
  if (auto text = read_file("/etc/subgid")) facts.subgid = *std::move(text);
  facts.newuidmap_problem = helper_problem("newuidmap");
  facts.newgidmap_problem = helper_problem("newgidmap");
  return facts;
}

Result<IdPlan> choose_id_plan(const IdFacts& facts) {
  if (facts.uid != 0) return plan_with_newuidmap(facts);
  if (is_initial_namespace(facts.uid_map)) return plan_as_root(facts);
  return plan_in_user_namespace(facts);
}

Result<void> write_id_maps(int pid, const IdPlan& plan) {
  if (plan.method == IdMapMethod::NewIdMap) {
    TRY(run_helper("newuidmap", pid, plan.uids));
    TRY(run_helper("newgidmap", pid, plan.gids));
    return {};
  }
  TRY(write_map(pid, "uid_map", plan.uids));
  TRY(write_map(pid, "gid_map", plan.gids));
  return {};
}

}  // namespace imagebuild
