// RUN --mount: looks up what each mount shows (the context, a stage, an image, a secret, an agent)
// and adds it to the RunSpec. Secrets travel as files in memory, never in the spec.
#include "builder/executor/run_mounts.h"

#include <sys/mman.h>

#include <cerrno>
#include <thread>

#include "builder/executor/run_options.h"
#include "builder/executor/stage_builder.h"
#include "builder/layer/copy.h"

namespace imagebuild::executor {
namespace {

using dockerfile::Mount;

constexpr std::size_t kMaxAttachments = 30;  // of TreeWorker::run()
constexpr const char* kContextView = "/context";

Result<UniqueFd> file_in_memory(const std::string& bytes) {
  UniqueFd file(::memfd_create("secret", MFD_CLOEXEC));
  if (!file) return errno_error("make a file in memory");
  TRY(write_all(file.get(), bytes));
  return file;
}

Result<std::size_t> attach(RunAttachments& attachments, UniqueFd descriptor) {
  if (attachments.descriptors.size() == kMaxAttachments)
    return fail(ErrorKind::InvalidInput, "more than " + std::to_string(kMaxAttachments) +
                                             " mounts of types secret and ssh in one RUN");
  attachments.descriptors.push_back(std::move(descriptor));
  return attachments.descriptors.size() - 1;
}

}  // namespace

// Nothing in the Dockerfile is wrong: the build has to be given something.
Error StageBuilder::not_given(const Mount& mount, const char* flag) {
  std::string what = "--mount=" + mount.text + ": " + flag + " with id " + attachment_id(mount) +
                     " was not given to this build";
  build_.note.set(
      {.failure_class = api::FailureClass::Config,
       .reason = std::string(api::reason::kSecretNotFound),
       .message = build_.file.name + ":" + std::to_string(step_.line) + ": RUN: " + what});
  return fail(ErrorKind::NotFound, std::move(what));
}

// Once for each source: steps that mount the same part of the context see the same layer.
Result<LayerId> StageBuilder::context_view(const std::string& source) {
  if (auto known = build_.context_views.find(source); known != build_.context_views.end())
    return known->second;
  CopyRequest request{.sources = {source == "/" ? "." : literal_pattern(source)}};
  request.destination.path = kContextView;
  CopyHooks hooks;
  hooks.excluded = [&](std::string_view path, bool) {
    return build_.context.ignore().ignored(path);
  };
  hooks.may_include_below = [&](std::string_view path) {
    return build_.context.ignore().may_contain_included(path);
  };
  auto pipe = TRY(make_pipe());
  const LayerId view = build_.worker.new_layer();
  Result<UnpackResult> unpacked = UnpackResult{};
  Result<void> written;
  bool pipe_broke = false;
  {
    std::jthread unpacking(
        [&] { unpacked = build_.worker.unpack(view, std::move(pipe.read), build_.stop); });
    TarWriter tar([&, sink = sink_to_fd(pipe.write.get())](std::string_view bytes) {
      auto sent = sink(bytes);
      if (!sent) pipe_broke = true;
      return sent;
    });
    auto copied = copy_to_tar(build_.context.root(), request, hooks, tar);
    written = copied ? tar.finish() : Result<void>(copied.error());
    pipe.write.reset();
  }
  // As in LayerFactory: who failed first has the reason.
  if (!written && !(pipe_broke && !unpacked)) return std::move(written).error();
  if (!unpacked) return std::move(unpacked).error();
  TRY(build_.worker.settle(view, {}, build_.stop));
  build_.context_views.emplace(source, view);
  return view;
}

Result<LowerList> StageBuilder::mount_tree(const std::string& from) {
  if (from == "scratch") return LowerList{};
  if (build_.named.contains(from))
    return fail(ErrorKind::InvalidInput,
                "from=" + from + ": the files of a named context cannot be mounted yet; COPY them");
  return tree_of(TRY(plan::resolve_from(build_.file, planned_.index, from, build_.plan.platform)));
}

Result<void> StageBuilder::add_mount(const Mount& mount, RunSpec& spec,
                                     RunAttachments& attachments) {
  RunMount planned =
      TRY_CONTEXT(plan_mount(mount, state_.config.config.working_dir), "--mount=" + mount.text);
  if (planned.kind == RunMount::Kind::Tree) {
    planned.scratch = build_.worker.new_layer();
    if (mount.from.empty()) {
      planned.lowers = {TRY_CONTEXT(context_view(planned.source), "--mount=" + mount.text)};
      planned.source = kContextView;
    } else {
      planned.lowers = TRY(mount_tree(mount.from));
    }
  } else if (planned.kind == RunMount::Kind::Cache && !mount.from.empty()) {
    planned.lowers = TRY(mount_tree(mount.from));
  } else if (planned.kind == RunMount::Kind::Secret) {
    const auto secret = build_.options.secrets.find(attachment_id(mount));
    if (secret == build_.options.secrets.end()) {
      if (mount.required) return not_given(mount, "a secret");
      return {};  // optional: no file, no variable
    }
    planned.attachment = TRY(attach(attachments, TRY(file_in_memory(secret->second))));
  } else if (planned.kind == RunMount::Kind::Agent) {
    return add_agent(mount, std::move(planned), spec, attachments);
  }
  spec.mounts.push_back(std::move(planned));
  return {};
}

Result<void> StageBuilder::add_agent(const Mount& mount, RunMount planned, RunSpec& spec,
                                     RunAttachments& attachments) {
  const auto agent = build_.options.ssh_agents.find(attachment_id(mount));
  if (agent == build_.options.ssh_agents.end()) {
    if (mount.required) return not_given(mount, "an ssh agent");
    return {};
  }
  const std::size_t number = attachments.agents.size();
  if (planned.target.empty())
    planned.target = "/run/buildkit/ssh_agent." + std::to_string(number);  // as BuildKit
  auto started = TRY(AgentForwarder::start(agent->second));
  planned.attachment = TRY(attach(attachments, std::move(started.attachment)));
  attachments.agents.push_back(std::move(started.forwarder));
  if (number == 0) {
    constexpr std::string_view kName = "SSH_AUTH_SOCK=";
    std::erase_if(spec.env, [&](const std::string& entry) { return entry.starts_with(kName); });
    spec.env.push_back(std::string(kName) + planned.target);
  }
  spec.mounts.push_back(std::move(planned));
  return {};
}

Result<RunAttachments> StageBuilder::add_mounts(const dockerfile::Run& run, RunSpec& spec) {
  RunAttachments attachments;
  for (const Mount& mount : run.mounts) TRY(add_mount(mount, spec, attachments));
  return attachments;
}

}  // namespace imagebuild::executor
