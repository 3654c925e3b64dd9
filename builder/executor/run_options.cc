#include "builder/executor/run_options.h"

#include "builder/executor/commands.h"
#include "common/base/sha256.h"

namespace imagebuild::executor {
namespace {

using dockerfile::Mount;

constexpr std::uint32_t cache_mode = 0755;
constexpr std::uint32_t secret_mode = 0400;
constexpr std::uint32_t agent_mode = 0600;

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The content of a cache that begins as a copy of something depends on what that was.
std::string cache_key(const Mount& mount, const std::string& target) {
  Sha256 hash;
  hash.update_part(mount.id.empty() ? target : mount.id);
  hash.update_part(mount.from);
  hash.update_part(mount.source);
  return hash.finish_hex();
}

RunMount::Sharing sharing_of(const Mount& mount) {
  switch (mount.sharing) {
    case Mount::Sharing::Private:
      return RunMount::Sharing::Private;
    case Mount::Sharing::Locked:
      return RunMount::Sharing::Locked;
    case Mount::Sharing::Shared:
      break;
  }
  return RunMount::Sharing::Shared;
}

Result<void> set_secret(const Mount& mount, RunMount& planned) {
  planned.kind = RunMount::Kind::Secret;
  planned.mode = mount.mode.value_or(secret_mode);
  planned.variable = mount.env;
  if (mount.env.find('=') != std::string::npos)
    return fail(ErrorKind::InvalidInput, "env=" + mount.env + " is not a variable's name");
  if (planned.target.empty() && mount.env.empty())
    planned.target = "/run/secrets/" + base_name(attachment_id(mount));
  return {};
}

}  // namespace

Result<Network> run_network(const dockerfile::Run& run, Network build) {
  if (!run.network || *run.network == dockerfile::Run::Network::Default) return build;
  if (*run.network == dockerfile::Run::Network::None) return Network::None;
  if (build == Network::Default) return Network::Default;
  return fail(ErrorKind::InvalidInput,
              "--network=host: this build has no network (--network none, network: None)");
}

Result<RunMount> plan_mount(const Mount& mount, std::string_view working_dir) {
  RunMount planned;
  if (!mount.target.empty()) {
    planned.target = absolute_path(mount.target, working_dir);
    if (planned.target == "/")
      return fail(ErrorKind::InvalidInput, "the target of a mount cannot be /");
  }
  planned.read_only = mount.read_only;
  planned.source = absolute_path(mount.source, "/");
  planned.uid = static_cast<std::uint32_t>(mount.uid.value_or(0));
  planned.gid = static_cast<std::uint32_t>(mount.gid.value_or(0));
  planned.size = mount.size;
  switch (mount.type) {
    case Mount::Type::Tmpfs:
      planned.kind = RunMount::Kind::Tmpfs;
      break;
    case Mount::Type::Bind:
      planned.kind = RunMount::Kind::Tree;
      break;
    case Mount::Type::Cache:
      if (!mount.source.empty() && mount.from.empty())
        return fail(ErrorKind::InvalidInput, "source needs from: a new cache is empty without it");
      planned.kind = RunMount::Kind::Cache;
      planned.mode = mount.mode.value_or(cache_mode);
      planned.sharing = sharing_of(mount);
      planned.cache_key = cache_key(mount, planned.target);
      break;
    case Mount::Type::Secret:
      TRY(set_secret(mount, planned));
      break;
    case Mount::Type::Ssh:
      if (!mount.source.empty())
        return fail(ErrorKind::InvalidInput, "a mount of type ssh has no source");
      planned.kind = RunMount::Kind::Agent;
      planned.mode = mount.mode.value_or(agent_mode);
      break;
  }
  return planned;
}

std::string attachment_id(const Mount& mount) {
  if (mount.type == Mount::Type::Ssh) return mount.id.empty() ? "default" : mount.id;
  if (!mount.source.empty()) return mount.source;
  return mount.id.empty() ? base_name(mount.target) : mount.id;
}

std::string literal_pattern(std::string_view path) {
  std::string pattern;
  for (const char c : path) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

}  // namespace imagebuild::executor
