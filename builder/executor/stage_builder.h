// Executes one stage: from its base through every instruction to a StageState.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "builder/context/context.h"
#include "builder/dockerfile/dockerfile.h"
#include "builder/executor/copy_step.h"
#include "builder/executor/failure_note.h"
#include "builder/executor/layer_factory.h"
#include "builder/executor/options.h"
#include "builder/executor/run_mounts.h"
#include "builder/executor/stage_state.h"
#include "builder/layer/passwd.h"
#include "builder/plan/plan.h"
#include "builder/plan/scope.h"
#include "builder/progress/progress.h"

namespace imagebuild::executor {

/// What every stage of a build shares. Everything outlives the stages.
struct BuildState {
  const dockerfile::Dockerfile& file;
  const plan::Plan& plan;
  const BuildOptions& options;
  const context::Context& context;
  context::Remote remote;
  const std::map<std::string, context::Context>& named;  ///< --build-context NAME=files
  BaseImages& bases;
  LayerFactory& layers;
  TreeWorker& worker;
  progress::Progress& progress;
  FailureNote& note;
  std::stop_token stop;
  std::map<std::size_t, StageState> finished;  ///< by index in Dockerfile::stages
  int step = 0, total_steps = 0;
  double run_seconds = 0;
  bool proc_bound_reported = false;
  std::map<std::string, LayerId> context_views;  ///< what RUN mounted of the context, by source
};

class StageBuilder {
 public:
  /// `on_layer` is told of every layer that the stage adds to its base, in order.
  StageBuilder(BuildState& build, const plan::PlannedStage& planned,
               std::function<void(const ImageLayer&)> on_layer);

  Result<StageState> build();
  /// After a failure: what the stage had reached, so that its background work can be waited for.
  StageState abandon() { return std::move(state_); }

 private:
  Result<void> start_from_base();
  Result<void> run_triggers();
  Result<void> execute(const dockerfile::Instruction& instruction);
  Result<void> dispatch(const dockerfile::Instruction& instruction);

  // One for each kind of instruction, its arguments expanded;
  // the original's text is what the history shows.
  Result<void> apply(const dockerfile::Arg& arg, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::Env& env, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::Label& label, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::Run& run, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::Copy& copy, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::Workdir& workdir, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::User& user, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::Cmd& cmd, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::Entrypoint& entrypoint,
                     const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::Expose& expose, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::Volume& volume, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::Shell& shell, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::StopSignal& signal, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::Healthcheck& check, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::OnBuild& trigger, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::Maintainer& maintainer,
                     const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::Add& add, const dockerfile::Instruction& original);
  Result<void> apply(const dockerfile::From& from, const dockerfile::Instruction& original);

  // copy_step.cc
  Result<CopyDestination> copy_destination(const dockerfile::CopySpec& spec);
  Result<CopyRequest> make_copy_request(const dockerfile::CopySpec& spec);
  Result<CopyOwner> copy_owner(const std::string& chown);
  CopyHooks copy_hooks(const dockerfile::CopySpec& spec, const LowerList& lowers);
  CopyHooks context_hooks(const dockerfile::CopySpec& spec, const context::Context& from,
                          const LowerList& lowers);
  Result<std::uint64_t> copy_inline_files(const dockerfile::CopySpec& spec, CopyRequest request,
                                          const CopyHooks& hooks, TarWriter& tar);
  Result<std::uint64_t> copy_from_context(const dockerfile::CopySpec& spec,
                                          const context::Context& from, CopyRequest request,
                                          const ByteSink& sink);
  Result<std::uint64_t> copy_from_tree(const LowerList& from, const LowerList& onto,
                                       const CopyRequest& request, const ByteSink& sink);
  // add_step.cc
  Result<AddSource> fetch_source(const dockerfile::Add& add, const std::string& source);
  Result<AddSource> fetch_git(const dockerfile::Add& add, context::GitSource git);

  /// The tree of another stage or image for COPY --from.
  Result<LowerList> tree_of(const plan::Base& base);

  // run_step.cc
  Result<RunSpec> make_run_spec(const dockerfile::Run& run, LayerId upper);
  Result<void> judge_run(const RunResult& result, const std::string& tail);
  Error took_too_long(const std::string& tail);
  std::string at_step() const;

  // run_mounts.cc
  Result<RunAttachments> add_mounts(const dockerfile::Run& run, RunSpec& spec);
  Result<void> add_mount(const dockerfile::Mount& mount, RunSpec& spec,
                         RunAttachments& attachments);
  Result<void> add_agent(const dockerfile::Mount& mount, RunMount planned, RunSpec& spec,
                         RunAttachments& attachments);
  Error not_given(const dockerfile::Mount& mount, const char* what);
  Result<LowerList> mount_tree(const std::string& from);
  Result<LayerId> context_view(const std::string& source);

  Result<LowerList> tree();
  Result<ResolvedUser> current_user();
  Result<std::string> read_text(const char* path);
  void add_layer(MadeLayer made, const dockerfile::Instruction& original, std::string created_by);
  void add_history(std::string created_by, bool empty_layer);

  BuildState& build_;
  const plan::PlannedStage& planned_;
  const dockerfile::Stage& stage_;
  std::function<void(const ImageLayer&)> on_layer_;
  plan::Scope scope_;
  StageState state_;
  progress::Step step_;
};

}  // namespace imagebuild::executor
