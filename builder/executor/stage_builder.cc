#include "builder/executor/stage_builder.h"

#include "builder/dockerfile/expand.h"
#include "builder/dockerfile/unsupported.h"
#include "builder/executor/commands.h"
#include "builder/executor/stopwatch.h"
#include "common/base/clock.h"

namespace imagebuild::executor {

using dockerfile::Instruction;

StageBuilder::StageBuilder(BuildState& build, const plan::PlannedStage& planned,
                           std::function<void(const ImageLayer&)> on_layer)
    : build_(build),
      planned_(planned),
      stage_(build.file.stages[planned.index]),
      on_layer_(std::move(on_layer)),
      scope_(build.plan.global_args, build.options.build_args) {}

Result<StageState> StageBuilder::build() {
  TRY(execute(stage_.from_instruction));
  TRY(run_triggers());
  for (const auto& instruction : stage_.instructions) TRY(execute(instruction));
  state_.scope = scope_;
  return std::move(state_);
}

// Every instruction is a step: reported before and after, its place noted for failures, its errors
// with file and line.
Result<void> StageBuilder::execute(const Instruction& instruction) {
  if (build_.stop.stop_requested()) return fail(ErrorKind::Canceled, "stopped");
  step_ = {.number = ++build_.step,
           .total = build_.total_steps,
           .stage = stage_.display_name(),
           .line = instruction.lines.first,
           .text = context::without_credentials(instruction.text)};
  build_.note.at(step_.stage, step_.line);
  build_.progress.step_started(step_);
  double seconds = 0;
  Result<void> done;
  {
    Stopwatch watch(seconds);
    done = dispatch(instruction);
  }
  build_.progress.step_finished(step_, {.ok = done.ok(), .seconds = seconds});
  if (done) return {};
  auto error = std::move(done).error().context(dockerfile::at(build_.file, instruction) + ": " +
                                               std::string(instruction.keyword()));
  bool from = instruction.get_if<dockerfile::From>() != nullptr;
  return build_.note.because(from ? Doing::Pull : Doing::Step, std::move(error));
}

Result<void> StageBuilder::dispatch(const Instruction& instruction) {
  if (instruction.get_if<dockerfile::From>() != nullptr) return start_from_base();
  auto expanded = TRY(
      dockerfile::expand_instruction(instruction, scope_.lookup(), build_.file.directives.escape));
  return std::visit([&](const auto& value) { return apply(value, instruction); }, expanded.value);
}

Result<void> StageBuilder::start_from_base() {
  if (const auto* other = std::get_if<plan::StageRef>(&planned_.base)) {
    state_ = build_.finished.at(other->index);
    state_.cmd_set = false;
    if (state_.scope) scope_.inherit(*state_.scope);
    return {};  // its ENV is in the scope
  } else if (const auto* image = std::get_if<plan::ImageRef>(&planned_.base)) {
    if (build_.named.contains(image->reference.familiar()))
      return build_.note.because(
          Doing::Dockerfile,
          fail(ErrorKind::InvalidInput,
               dockerfile::at(build_.file, stage_.from_instruction) + ": FROM: the context " +
                   image->reference.familiar() +
                   " is files, no image (--build-context NAME=docker-image://REF)"));
    state_.base = TRY(build_.bases.open(*image));
    state_.config = state_.base->config;
    for (std::size_t i = 0; i < state_.base->resolved.manifest.layers.size(); ++i)
      state_.layers.push_back(base_layer(*state_.base, i));
  } else {
    state_.config.os = build_.plan.platform.os;
    state_.config.architecture = build_.plan.platform.architecture;
    state_.config.variant = build_.plan.platform.variant;
  }
  // What RUN has where the base sets none: ENV PATH=$PATH:/more adds to it.
  scope_.set_env("PATH", std::string(kDefaultPath));
  for (const auto& entry : state_.config.config.env) {
    auto equals = entry.find('=');
    if (equals != std::string::npos)
      scope_.set_env(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return {};
}

// ONBUILD of the base runs right after FROM and is not inherited any further.
Result<void> StageBuilder::run_triggers() {
  auto triggers = std::move(state_.config.config.on_build);
  state_.config.config.on_build.clear();
  build_.total_steps += static_cast<int>(triggers.size());
  for (const auto& text : triggers) {
    auto trigger = dockerfile::parse_trigger(text, stage_.from_instruction.lines)
                       .context("ONBUILD of the base");
    if (!trigger) return build_.note.because(Doing::Dockerfile, std::move(trigger).error());
    if (auto feature = dockerfile::unsupported_feature(*trigger))
      return build_.note.because(
          Doing::Dockerfile, fail(ErrorKind::InvalidInput,
                                  "ONBUILD of the base: " + *feature + " is not supported yet"));
    TRY(execute(*trigger));
  }
  return {};
}

Result<LowerList> StageBuilder::tree() {
  if (state_.base != nullptr && !state_.base->unpacked) {
    auto unpacked = build_.bases.unpack(*state_.base);
    if (!unpacked) return build_.note.because(Doing::Pull, std::move(unpacked).error());
  }
  return state_.lowers();
}

Result<std::string> StageBuilder::read_text(const char* path) {
  constexpr std::size_t kLimit = 4u << 20;
  auto text = TRY(build_.worker.read_file(TRY(tree()), path, kLimit, build_.stop));
  return text.value_or("");
}

Result<ResolvedUser> StageBuilder::current_user() {
  const std::string& user = state_.config.config.user;
  return resolve_user(user, TRY(read_text("/etc/passwd")), TRY(read_text("/etc/group")));
}

void StageBuilder::add_history(std::string created_by, bool empty_layer) {
  state_.config.history.push_back(
      {.created = format_rfc3339(TimePoint(std::chrono::seconds(build_.options.created))),
       .created_by = std::move(created_by),
       .comment = "imagebuild",
       .empty_layer = empty_layer});
}

void StageBuilder::add_layer(MadeLayer made, const Instruction& original, std::string created_by) {
  add_history(created_by, false);
  state_.own.push_back(made.id);
  state_.layers.push_back({.line = original.lines.first,
                           .history = state_.config.history.size() - 1,
                           .created_by = std::move(created_by),
                           .from_run = made.from_upper,
                           .finished = std::move(made.finished)});
  if (on_layer_) on_layer_(state_.layers.back());
}

}  // namespace imagebuild::executor
