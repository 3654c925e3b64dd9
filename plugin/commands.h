// The commands, one function each: flags in, exit status out (0 done, 1 failed, 2 usage). Errors go
// to main, which prints them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plugin/render.h"
#include "plugin/session.h"

namespace imagebuild::plugin {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

struct ReadFlags {
  std::string name;
  Format format = Format::Table;
};
Result<int> sizes_command(Session& session, const ReadFlags& flags);
Result<int> why_command(Session& session, const ReadFlags& flags);

struct ListFlags {
  bool all_namespaces = false;
  std::string sort = "name";
  Format format = Format::Table;
};
Result<int> list_command(Session& session, const ListFlags& flags);

struct LogsFlags {
  std::string name;
  bool follow = false;
  std::optional<std::int64_t> tail = {};
};
Result<int> logs_command(Session& session, const LogsFlags& flags);

struct RebuildFlags {
  std::string name;
  bool wait = false;
  bool follow = false;  ///< prints the log while it waits
};
Result<int> rebuild_command(Session& session, const RebuildFlags& flags);
Result<int> cancel_command(Session& session, const std::string& name);
Result<int> suspend_command(Session& session, const std::string& name);
Result<int> resume_command(Session& session, const std::string& name);

/// How this machine reaches registries.
struct RegistryFlags {
  std::vector<std::string> mirrors;   ///< HOST=URL
  std::vector<std::string> insecure;  ///< HOST[:PORT]
  std::string ca;                     ///< file
};

struct DiffFlags {
  std::string name, old_image, new_image;  ///< build numbers or digests; "": by the history
  std::string platform;                    ///< "": that of the present image
  bool layers_only = false;                ///< downloads nothing but manifests
  std::size_t top = 15;
  RegistryFlags registry;
  Format format = Format::Table;
};
Result<int> diff_command(Session& session, const DiffFlags& flags);

struct BuildFlags {
  std::string directory = ".";
  std::string image, name, dockerfile, target;
  std::vector<std::string> build_args, tags, secrets;
  bool wait = false, follow = false;
  RegistryFlags registry;
};
Result<int> build_command(Session& session, const BuildFlags& flags);

}  // namespace imagebuild::plugin
