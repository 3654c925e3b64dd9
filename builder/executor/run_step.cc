// RUN: resolves user, environment and command from the stage, lets the tree worker run it, and
// turns what came of it into a layer or a failure with its exit status and last output.
#include <algorithm>
#include <thread>

#include "builder/executor/commands.h"
#include "builder/executor/run_options.h"
#include "builder/executor/stage_builder.h"
#include "builder/executor/step_timer.h"
#include "builder/executor/stopwatch.h"

namespace imagebuild::executor {
namespace {

using dockerfile::Instruction;

constexpr std::size_t kTailBytes = 1536;

// The last bytes of a stream.
class Tail {
 public:
  void push(std::string_view bytes) {
    text_ += bytes;
    if (text_.size() > 4 * kTailBytes) text_.erase(0, text_.size() - kTailBytes);
  }
  std::string text() const {
    return text_.size() > kTailBytes ? text_.substr(text_.size() - kTailBytes) : text_;
  }

 private:
  std::string text_;
};

std::string first_line(const std::string& text) {
  return text.substr(0, std::min<std::size_t>(text.find('\n'), 120));
}

}  // namespace

Result<RunSpec> StageBuilder::make_run_spec(const dockerfile::Run& run, LayerId upper) {
  const auto& config = state_.config.config;
  auto user = TRY(current_user());
  auto args = scope_.visible_args();
  for (auto& hidden : scope_.hidden_args()) args.push_back(std::move(hidden));
  if (build_.options.clamp_run)
    args.emplace_back("SOURCE_DATE_EPOCH", std::to_string(build_.options.created));
  auto program = dockerfile::run_program(run);
  std::vector<std::string> argv = program.argv;
  std::optional<ScriptFile> script;
  if (program.kind == dockerfile::RunProgram::Kind::Shell) {
    argv = shell_of(config);
    argv.push_back(program.script);
  } else if (program.kind == dockerfile::RunProgram::Kind::ScriptFile) {
    argv = shell_of(config);
    argv.push_back("/dev/pipes/" + program.file_name);
    script = ScriptFile{program.file_name, std::move(program.script)};
  }
  // The primary group is among them, as with other runtimes: a file may deny it to its members.
  auto groups = user.supplementary_groups;
  groups.insert(groups.begin(), user.gid);
  return RunSpec{.lowers = TRY(tree()),
                 .upper = upper,
                 .argv = std::move(argv),
                 .env = run_environment(config, args, user.home),
                 .cwd = config.working_dir.empty() ? "/" : config.working_dir,
                 .uid = user.uid,
                 .gid = user.gid,
                 .groups = std::move(groups),
                 .script = std::move(script),
                 .mounts = {},
                 .network = TRY(run_network(run, build_.options.network)),
                 .extra_hosts = build_.options.extra_hosts};
}

Error StageBuilder::took_too_long(const std::string& tail) {
  api::Failure failure{.failure_class = api::FailureClass::Terminal,
                       .reason = std::string(api::reason::kTimeout),
                       .message = at_step() + ": not done after " +
                                  std::to_string(build_.options.step_timeout->count() / 1000) +
                                  " s (--step-timeout)",
                       .log_tail = tail};
  std::string message = failure.message;
  build_.note.set(std::move(failure));
  return fail(ErrorKind::InvalidInput, std::move(message));
}

// As every other step's error: file, line, instruction.
std::string StageBuilder::at_step() const {
  return build_.file.name + ":" + std::to_string(step_.line) + ": " + first_line(step_.text);
}

Result<void> StageBuilder::judge_run(const RunResult& result, const std::string& tail) {
  if (result.proc == ProcMount::Bound && !build_.proc_bound_reported) {
    build_.proc_bound_reported = true;
    build_.progress.note("note: /proc in RUN is the pod's own, because procMount is masked here");
  }
  if (result.success()) return {};
  api::Failure failure{.failure_class = api::FailureClass::Terminal,
                       .reason = std::string(api::reason::kBuildFailed),
                       .exit_code = result.exit_code,
                       .log_tail = tail};
  const std::string what = at_step();
  if (result.oom_killed) {
    failure.failure_class = api::FailureClass::Transient;
    failure.reason = api::reason::kOomKilled;
    failure.message = what + ": killed for lack of memory; raise spec.pod.resources.limits.memory";
  } else if (!result.message.empty()) {
    failure.message = what + ": " + result.message;
  } else if (result.signal != 0) {
    failure.message = what + ": killed by signal " + std::to_string(result.signal);
  } else {
    failure.message = what + ": exit status " + std::to_string(result.exit_code);
  }
  std::string message = failure.message;
  build_.note.set(std::move(failure));
  return fail(ErrorKind::InvalidInput, message);
}

Result<void> StageBuilder::apply(const dockerfile::Run& run, const Instruction& original) {
  LayerId upper = build_.worker.new_layer();
  auto spec = TRY(make_run_spec(run, upper));
  auto attachments = TRY(add_mounts(run, spec));
  auto pipe = TRY(make_pipe());
  Tail tail;
  Result<RunResult> result = RunResult{};
  StepTimer timer(build_.stop, build_.options.step_timeout);
  {
    Stopwatch watch(build_.run_seconds);
    std::jthread reading([&] {
      std::vector<char> buffer(65536);
      for (;;) {
        auto count = read_some(pipe.read.get(), buffer);
        if (!count || *count == 0) return;
        std::string_view bytes(buffer.data(), *count);
        tail.push(bytes);
        build_.progress.step_output(step_, bytes);
      }
    });
    result = build_.worker.run(spec, std::move(pipe.write), timer.token(),
                               std::move(attachments.descriptors));
  }
  if (!result && timer.expired()) return took_too_long(tail.text());
  if (!result) return std::move(result).error();
  TRY(judge_run(*result, tail.text()));
  auto history = run_history(spec.argv, scope_.visible_args());
  add_layer(build_.layers.from_upper(spec.lowers, upper), original, std::move(history));
  return {};
}

}  // namespace imagebuild::executor
