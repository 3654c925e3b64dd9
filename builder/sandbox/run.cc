#include "builder/sandbox/run.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "builder/sandbox/child.h"
#include "builder/sandbox/oom.h"
#include "builder/sandbox/overlay.h"
#include "builder/sandbox/protocol.h"
#include "builder/sandbox/run_steps.h"
#include "builder/sandbox/tree_path.h"

namespace imagebuild::sandbox {
namespace {

Result<void> validate(const RunSpec& spec) {
  if (spec.argv.empty() || spec.argv[0].empty())
    return fail(ErrorKind::InvalidInput, "no command to run");
  if (spec.cwd.empty() || spec.cwd[0] != '/')
    return fail(ErrorKind::InvalidInput, "working directory is not absolute: " + spec.cwd);
  for (const auto* words : {&spec.argv, &spec.env}) {
    for (const std::string& word : *words) {
      if (word.find('\0') != word.npos)
        return fail(ErrorKind::InvalidInput, "a NUL byte in the command or its environment");
    }
  }
  if (spec.script &&
      (spec.script->name.empty() || spec.script->name.find('/') != std::string::npos))
    return fail(ErrorKind::InvalidInput,
                "the name of a heredoc with a script must have no slash: " + spec.script->name);
  return {};
}

/// Makes the upper directory and the scaffold. True if there is a scaffold.
Result<bool> prepare(const RunSpec& spec, const std::vector<MountPoint>& points) {
  const std::string scaffold_name = scaffold_path(spec.upper);
  if (::mkdir(scaffold_name.c_str(), 0755) < 0) return errno_error("make " + scaffold_name);
  auto root = TRY(open_merged(spec.lowers, merged_path));
  TRY(make_upper(spec.upper, spec.lowers.empty() ? -1 : root.get()));
  const bool scaffold = TRY(build_scaffold(root.get(), scaffold_name, points));
  root.reset();
  if (::umount2(merged_path, 0) < 0) return errno_error("unmount the image's tree");
  return scaffold;
}

// What the step's processes report: {"proc": bound}, {"error": …}, {"notStarted":
// …}, {"status": waitpid's}.
void report(int channel, const Json& message) {
  if (!send_message(channel, message)) ::_exit(1);  // nobody is left to tell
}

[[noreturn]] void command_process(const RunSpec& spec, int output, int channel) {
  const auto failed = become_command(spec, output);
  if (!failed)
    report(channel, {{"error", error_to_json(failed.error())}});
  else
    report(channel,
           {{"notStarted", {{"exitCode", failed->exit_code}, {"message", failed->message}}}});
  ::_exit(127);
}

/// pid 1 of the step: sets up the root, starts the command, reaps orphans. When it exits, the
/// kernel ends all that is left in its pid namespace before our waitpid returns.
[[noreturn]] void init_process(RunContext& context, UniqueFd output, int channel) {
  if (auto done = setup_root(context); !done) {
    report(channel, {{"error", error_to_json(done.error())}});
    ::_exit(1);
  }
  report(channel, {{"proc", context.proc == ProcMount::Bound}});
  const pid_t command = ::fork();
  if (command == 0) command_process(*context.spec, output.get(), channel);
  if (command < 0) {
    report(channel, {{"error", error_to_json(errno_error("fork"))}});
    ::_exit(1);
  }
  output.reset();
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, 0);
    if (ended < 0 && errno == EINTR) continue;
    if (ended == command) report(channel, {{"status", status}});
    if (ended == command || ended < 0) ::_exit(0);
  }
}

struct Outcome {
  std::optional<Error> error;
  std::optional<NotStarted> not_started;
  std::optional<int> status;
  ProcMount proc = ProcMount::Fresh;
};

Result<Outcome> collect(int channel) {
  Outcome outcome;
  for (;;) {
    auto message = TRY(receive_message(channel));
    if (!message) return outcome;
    if (const Json* error = find_path(*message, {"error"})) outcome.error = error_from_json(*error);
    if (const Json* none = find_path(*message, {"notStarted"})) {
      const auto code = find_int(*none, "exitCode");
      outcome.not_started =
          NotStarted{code && *code ? static_cast<int>(**code) : 127, string_at(*none, {"message"})};
    }
    if (const auto status = find_int(*message, "status"); status && *status)
      outcome.status = static_cast<int>(**status);
    if (const auto bound = find_bool(*message, "proc"); bound && *bound) {
      outcome.proc = **bound ? ProcMount::Bound : ProcMount::Fresh;
    }
  }
}

Result<RunResult> result_of(const Outcome& outcome, int init_status) {
  RunResult result;
  result.proc = outcome.proc;
  if (outcome.error) return *outcome.error;
  if (outcome.not_started) {
    result.exit_code = outcome.not_started->exit_code;
    result.message = outcome.not_started->message;
    return result;
  }
  // Without a status pid 1 itself was killed (the OOM killer may choose it):
  // the step ended with it.
  const int status = outcome.status.value_or(init_status);
  if (!outcome.status && !WIFSIGNALED(status))
    return fail(ErrorKind::Internal, "the step's first process vanished");
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

unsigned long namespaces_of(const RunSpec& spec) {
  unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
  if (spec.network == Network::None) flags |= CLONE_NEWNET;
  return flags;
}

/// Entries of `more` replace those of their name.
void set_variables(std::vector<std::string>& env, const std::vector<std::string>& more) {
  for (const std::string& entry : more) {
    const std::string name = entry.substr(0, entry.find('=') + 1);
    std::erase_if(env, [&](const std::string& old) { return old.starts_with(name); });
    env.push_back(entry);
  }
}

Result<RunResult> run_with(const RunSpec& spec, const MountSources& sources, UniqueFd output) {
  RunContext context;
  context.spec = &spec;
  context.sources = &sources;
  context.files = bound_files(spec);
  context.scaffold = TRY(prepare(spec, mount_points(context.files, spec, sources.sources())));

  auto channel = TRY(make_socket_pair());
  const auto kills_before = oom_kill_count();
  Child init(TRY(fork_into(namespaces_of(spec))));
  if (!init) init_process(context, std::move(output), channel.theirs.get());
  channel.theirs.reset();
  output.reset();
  const Outcome outcome = TRY(collect(channel.ours.get()));
  const int init_status = init.wait();

  TRY(remove_tree(AT_FDCWD, work_path(spec.upper)));
  TRY(remove_tree(AT_FDCWD, scaffold_path(spec.upper)));
  RunResult result = TRY(result_of(outcome, init_status));
  const auto kills_after = oom_kill_count();
  result.oom_killed =
      result.exit_code != 0 && kills_before && kills_after && *kills_after > *kills_before;
  return result;
}

}  // namespace

Result<int> fork_into(unsigned long namespaces) {
  const long pid = ::syscall(SYS_clone, namespaces | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (pid < 0) return errno_error("start a process in new namespaces");
  return static_cast<int>(pid);
}

Result<RunResult> run_command(const RunSpec& asked, UniqueFd output,
                              std::vector<UniqueFd> attachments) {
  TRY(validate(asked));
  auto sources = TRY(MountSources::make(asked, std::move(attachments)));
  RunSpec spec = asked;
  set_variables(spec.env, sources.environment());
  auto result = run_with(spec, sources, std::move(output));
  TRY(sources.remove());
  return result;
}

}  // namespace imagebuild::sandbox
