// Dockerfile instructions as data: one struct a kind, every flag a typed field, nothing
// expanded yet (variables are still in the strings; see expand.h). The reference is
// Dockerfile 1.26 (BuildKit 0.32).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "builder/dockerfile/node.h"

namespace imagebuild::dockerfile {

/// RUN, CMD, ENTRYPOINT and the test of HEALTHCHECK.
struct CommandLine {
  bool shell_form = true;         ///< argv holds one string, run by the stage's SHELL
  std::vector<std::string> argv;  ///< exec form: the strings of the JSON array
};

struct KeyValue {
  std::string key, value;
  bool legacy = false;  ///< `ENV name value`, without "="
};

struct ArgDefinition {
  std::string name;
  std::optional<std::string> value;  ///< the default; nullopt: none given
};

/// One `--mount=…` of RUN, with the reference's defaults filled in.
struct Mount {
  enum class Type { Bind, Cache, Tmpfs, Secret, Ssh };
  enum class Sharing { Shared, Private, Locked };
  Type type = Type::Bind;
  std::string target, source, from, id, env;
  bool read_only = false;  ///< the effective value: bind mounts are read-only unless `rw`
  bool required = false;
  Sharing sharing = Sharing::Shared;
  std::optional<std::uint32_t> mode;
  std::optional<std::uint64_t> uid, gid;
  std::uint64_t size = 0;  ///< tmpfs: bytes, 0 without a limit
  std::string text;        ///< as written
};

struct Device {
  std::string name;
  bool required = false;
};

/// A file written in the Dockerfile: COPY <<name /destination.
struct InlineFile {
  std::string name;
  Heredoc body;
};

struct From {
  std::string base;      ///< image, stage or "scratch"; may hold variables of the global scope
  std::string name;      ///< AS name, lower case, or ""
  std::string platform;  ///< --platform, or ""
};
struct Arg {
  std::vector<ArgDefinition> definitions;
};
struct Env {
  std::vector<KeyValue> variables;
};
struct Label {
  std::vector<KeyValue> labels;
};
struct Run {
  enum class Network { Default, None, Host };
  enum class Security { Sandbox, Insecure };
  CommandLine command;
  std::vector<Heredoc> heredocs;
  std::vector<Mount> mounts;
  std::optional<Network> network;
  std::optional<Security> security;
  std::vector<Device> devices;
};
/// What COPY and ADD have in common.
struct CopySpec {
  std::vector<std::string> sources;  ///< paths or patterns, without the inline files
  std::vector<InlineFile> files;
  std::string destination;
  std::string chown, chmod;
  std::vector<std::string> excludes;
  bool link = false;
  bool parents = false;
};
struct Copy : CopySpec {
  std::string from;
};
struct Add : CopySpec {
  std::string checksum;
  std::optional<bool> unpack, keep_git_dir;
};
struct Workdir {
  std::string path;
};
struct User {
  std::string user;
};
struct Cmd {
  CommandLine command;
};
struct Entrypoint {
  CommandLine command;
};
struct Expose {
  std::vector<std::string> ports;
};
struct Volume {
  std::vector<std::string> paths;
};
struct Shell {
  std::vector<std::string> argv;
};
struct StopSignal {
  std::string signal;
};
struct Healthcheck {
  bool none = false;
  CommandLine test;
  /// 0: inherit the default.
  std::chrono::nanoseconds interval{0}, timeout{0}, start_period{0}, start_interval{0};
  int retries = 0;
};
/// The trigger as it goes into the image config. parse_trigger()
/// (dockerfile.h) makes it an instruction.
struct OnBuild {
  std::string trigger;
};
struct Maintainer {
  std::string name;
};

using InstructionValue =
    std::variant<From, Arg, Env, Label, Run, Copy, Add, Workdir, User, Cmd, Entrypoint, Expose,
                 Volume, Shell, StopSignal, Healthcheck, OnBuild, Maintainer>;

struct Instruction {
  InstructionValue value;
  std::string text;  ///< the instruction as written, continuation lines joined (history, messages)
  std::vector<std::string> comments;  ///< directly above it
  LineRange lines;

  template <typename T>
  const T* get_if() const {
    return std::get_if<T>(&value);
  }
  /// "RUN", "COPY", …
  std::string_view keyword() const;
};

/// What RUN really starts. A lone heredoc with "#!" is a file to execute, a lone one without is the
/// shell's script, and `python3 - <<EOF` is the text handed to the shell with its bodies attached.
struct RunProgram {
  enum class Kind { Exec, Shell, ScriptFile };
  Kind kind = Kind::Shell;
  std::vector<std::string> argv;  ///< Exec
  std::string script;     ///< Shell: one argument for the SHELL; ScriptFile: the file's content
  std::string file_name;  ///< ScriptFile
};
RunProgram run_program(const Run& run);

}  // namespace imagebuild::dockerfile
