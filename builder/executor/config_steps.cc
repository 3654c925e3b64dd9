// The instructions that only change the image config, and WORKDIR, which also makes its directory.
#include "builder/executor/commands.h"
#include "builder/executor/stage_builder.h"
#include "common/archive/tar.h"

namespace imagebuild::executor {

using dockerfile::Instruction;

Result<void> StageBuilder::apply(const dockerfile::Arg& arg, const Instruction& original) {
  TRY(scope_.declare(arg, build_.file.directives.escape));
  add_history(original.text, true);
  return {};
}

Result<void> StageBuilder::apply(const dockerfile::Env& env, const Instruction& original) {
  for (const auto& variable : env.variables) {
    state_.config.config.set_env(variable.key, variable.value);
    scope_.set_env(variable.key, variable.value);
  }
  add_history(original.text, true);
  return {};
}

Result<void> StageBuilder::apply(const dockerfile::Label& label, const Instruction& original) {
  for (const auto& pair : label.labels) state_.config.config.labels[pair.key] = pair.value;
  add_history(original.text, true);
  return {};
}

Result<void> StageBuilder::apply(const dockerfile::User& user, const Instruction& original) {
  state_.config.config.user = user.user;
  add_history(original.text, true);
  return {};
}

Result<void> StageBuilder::apply(const dockerfile::Cmd& cmd, const Instruction& original) {
  state_.config.config.cmd = command_argv(cmd.command, state_.config.config);
  state_.cmd_set = true;
  add_history(original.text, true);
  return {};
}

// An inherited CMD would be arguments of another program:
// it is reset (Dockerfile reference, ENTRYPOINT).
Result<void> StageBuilder::apply(const dockerfile::Entrypoint& entrypoint,
                                 const Instruction& original) {
  state_.config.config.entrypoint = command_argv(entrypoint.command, state_.config.config);
  if (!state_.cmd_set) state_.config.config.cmd.reset();
  add_history(original.text, true);
  return {};
}

Result<void> StageBuilder::apply(const dockerfile::Expose& expose, const Instruction& original) {
  for (const auto& text : expose.ports)
    for (auto& port : TRY(expand_ports(text)))
      state_.config.config.exposed_ports.insert(std::move(port));
  add_history(original.text, true);
  return {};
}

Result<void> StageBuilder::apply(const dockerfile::Volume& volume, const Instruction& original) {
  for (const auto& path : volume.paths) {
    if (path.empty()) return fail(ErrorKind::InvalidInput, "a volume's path is empty");
    state_.config.config.volumes.insert(path);
  }
  add_history(original.text, true);
  return {};
}

Result<void> StageBuilder::apply(const dockerfile::Shell& shell, const Instruction& original) {
  state_.config.config.shell = shell.argv;
  add_history(original.text, true);
  return {};
}

Result<void> StageBuilder::apply(const dockerfile::StopSignal& signal,
                                 const Instruction& original) {
  state_.config.config.stop_signal = signal.signal;
  add_history(original.text, true);
  return {};
}

Result<void> StageBuilder::apply(const dockerfile::Healthcheck& check,
                                 const Instruction& original) {
  state_.config.config.healthcheck = make_healthcheck(check);
  add_history(original.text, true);
  return {};
}

Result<void> StageBuilder::apply(const dockerfile::OnBuild& trigger, const Instruction& original) {
  state_.config.config.on_build.push_back(trigger.trigger);
  add_history(original.text, true);
  return {};
}

Result<void> StageBuilder::apply(const dockerfile::Maintainer& maintainer,
                                 const Instruction& original) {
  state_.config.author = maintainer.name;
  add_history(original.text, true);
  return {};
}

Result<void> StageBuilder::apply(const dockerfile::From&, const Instruction&) {
  return fail(ErrorKind::Internal, "FROM inside a stage");
}

// Missing directories belong to the current USER (BuildKit; Buildah makes root's).
Result<void> StageBuilder::apply(const dockerfile::Workdir& workdir, const Instruction& original) {
  if (workdir.path.empty()) return fail(ErrorKind::InvalidInput, "the path is empty");
  auto& config = state_.config.config;
  config.working_dir = absolute_path(workdir.path, config.working_dir);
  auto lowers = TRY(tree());
  auto info =
      TRY(build_.worker.resolve_path(lowers, config.working_dir, LastLink::Follow, build_.stop));
  if (info.exists()) {
    if (info.type != PathType::Directory)
      return fail(ErrorKind::InvalidInput, config.working_dir + " is not a directory");
    add_history(original.text, true);
    return {};
  }
  auto user = TRY(current_user());
  auto made =
      TRY(build_.layers.from_tar(lowers, [&](const ByteSink& sink) -> Result<std::uint64_t> {
        TarWriter tar(sink);
        for (const auto& directory : info.missing)
          TRY(tar.begin({.path = directory.substr(1),
                         .type = EntryType::Directory,
                         .mode = 0755,
                         .uid = user.uid,
                         .gid = user.gid,
                         .mtime = {.seconds = build_.options.created}}));
        TRY(tar.finish());
        return info.missing.size();
      }));
  add_layer(std::move(made), original, original.text);
  return {};
}

}  // namespace imagebuild::executor
