// What one RUN step needs and what came of it, as plain data. A RunSpec crosses from the
// builder into the tree worker as JSON, so it holds values only; the output pipe travels beside it.
// The builder has already resolved USER, HOME, PATH and WORKDIR: nothing here is looked up
// in the stage's /etc/passwd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace imagebuild {

/// One directory of the worker's store, `l/<number in hex>`:
/// an unpacked layer or a step's upper directory.
struct LayerId {
  std::uint32_t number = 0;
  friend bool operator==(LayerId, LayerId) = default;
};

/// The layers of a tree, bottom first. Empty is `FROM scratch`.
using LowerList = std::vector<LayerId>;

/// `Default` is the builder's own network; `None` is a new network namespace with only `lo`, up.
enum class Network { Default, None };

/// A line of /etc/hosts: `--add-host name:address`.
struct HostEntry {
  std::string name;
  std::string address;
};

/// A file that RUN finds as /dev/pipes/<name>, executable; it is on a tmpfs and in no layer.
struct ScriptFile {
  std::string name;  ///< without a slash
  std::string content;
};

/// One `--mount` of RUN, everything looked up already.
struct RunMount {
  enum class Kind {
    Tmpfs,
    Tree,    ///< files of `lowers`; what RUN writes there is gone afterwards
    Cache,   ///< a directory of the worker's cache, kept for later steps
    Secret,  ///< a file with the bytes of an attachment
    Agent,   ///< a socket whose connections an AgentForwarder answers
  };
  /// Of a cache that several steps use at once: together, each its own, one after the other.
  enum class Sharing { Shared, Private, Locked };

  Kind kind = Kind::Tmpfs;
  std::string target;  ///< absolute, not "/"; empty for a Secret that is only a variable
  bool read_only = false;
  LowerList lowers;          ///< Tree; Cache: what a new one starts with
  std::string source = "/";  ///< path in `lowers`
  LayerId scratch;           ///< Tree: takes what RUN writes; a number that nothing has used
  std::string cache_key;     ///< Cache: a file name, the same for the same cache
  Sharing sharing = Sharing::Shared;
  std::uint32_t mode = 0755;  ///< of a new Cache, a Secret's file, an Agent's socket
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;      ///< Tmpfs: bytes, 0 without a limit of its own
  std::size_t attachment = 0;  ///< Secret, Agent: index of the descriptor that comes with the spec
  std::string variable;        ///< Secret: the environment variable that holds it, too; or empty
};

struct RunSpec {
  LowerList lowers;
  LayerId upper;  ///< made by the run: a number from TreeWorker::new_layer() that nothing has used

  std::vector<std::string> argv;  ///< not empty; argv[0] without a slash is searched in env's PATH
  std::vector<std::string> env;   ///< "NAME=value", the whole environment
  std::string cwd = "/";          ///< absolute, must exist in the tree
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;  ///< supplementary

  std::optional<ScriptFile> script;
  std::vector<RunMount> mounts;  ///< mounted in the order of their targets

  Network network = Network::Default;
  std::string hostname;                    ///< empty: the builder's
  std::vector<HostEntry> extra_hosts;      ///< appended to /etc/hosts
  std::optional<std::string> resolv_conf;  ///< content; absent: the builder's /etc/resolv.conf
  std::optional<std::string> hosts;        ///< content; absent: the builder's /etc/hosts
};

/// A fresh /proc shows RUN's own processes; where the pod masks /proc the kernel refuses one, and
/// the builder's is bound instead: `/proc/$$` is another process there.
enum class ProcMount { Fresh, Bound };

struct RunResult {
  int exit_code = 0;  ///< 128+signal when a signal ended it; 127 not found, 126 not executable
  int signal = 0;     ///< the signal that ended the main process, or 0
  bool oom_killed = false;  ///< the step failed and the cgroup counted an OOM kill meanwhile
  ProcMount proc = ProcMount::Fresh;
  std::string message;  ///< why the program never started, for a person; empty when it did

  bool success() const { return exit_code == 0 && signal == 0 && message.empty(); }
};

}  // namespace imagebuild
