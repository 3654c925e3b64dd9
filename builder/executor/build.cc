#include "builder/executor/build.h"

#include <sys/resource.h>

#include <algorithm>

#include "builder/dockerfile/check.h"
#include "builder/dockerfile/dockerfile.h"
#include "builder/dockerfile/unsupported.h"
#include "builder/executor/failure_note.h"
#include "builder/executor/image.h"
#include "builder/executor/stage_builder.h"
#include "builder/executor/stopwatch.h"
#include "builder/executor/uploader.h"
#include "builder/executor/usage_report.h"
#include "builder/plan/image_chain.h"

namespace imagebuild::executor {
namespace {

/// What the phases of a build leave for the report.
struct Outcome {
  Image image;
  std::vector<std::string> tags;
  UploadTotals totals;
  std::vector<std::string> exceeded;  ///< limits of the budget

  bool is_blocked(const api::Budget& budget) const {
    return !exceeded.empty() && budget.enforcement == api::Budget::Enforcement::Block;
  }
};

std::uint64_t peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

api::Failure over_budget(const std::vector<std::string>& exceeded) {
  return {.failure_class = api::FailureClass::Terminal,
          .reason = std::string(api::reason::kSizeBudgetExceeded),
          .message = api::joined(exceeded)};
}

class Build {
 public:
  Build(const BuildOptions& options, const BuildServices& services, contract::BuildReport& report)
      : options_(options), services_(services), report_(report) {}

  Result<Outcome> run() {
    auto file = noted(Doing::Dockerfile, load_dockerfile());
    if (!file) return std::move(file).error();
    auto plan = noted(Doing::Dockerfile, plan::make_plan(*file, {.target = options_.target,
                                                                 .build_args = options_.build_args,
                                                                 .platform = options_.platform}));
    if (!plan) return std::move(plan).error();
    for (const auto& name : plan::unused_build_args(*file, options_.build_args))
      services_.progress.warning("build argument " + name + " is not declared by any ARG");
    auto blobs = TRY(BlobStore::open(options_.work_dir + "/blobs"));
    auto worker =
        noted(Doing::Isolation, TreeWorker::start({.store_dir = options_.work_dir + "/trees",
                                                   .cache_dir = options_.cache_dir}));
    if (!worker) return std::move(worker).error();
    report_.isolation = "overlay";
    auto outcome = run_stages(*file, *plan, blobs, *worker);
    end(*worker);
    return outcome;
  }

  FailureNote& note() { return note_; }

 private:
  template <typename T>
  Result<T> noted(Doing doing, Result<T> result) {
    if (!result) return note_.because(doing, std::move(result).error());
    return result;
  }

  void end(TreeWorker& worker) {
    if (options_.leave_trees) return worker.abandon();
    auto stopped = worker.stop();
    if (!stopped) services_.progress.warning("clean up: " + stopped.error().message);
  }

  Result<dockerfile::Dockerfile> load_dockerfile() {
    auto file = TRY(dockerfile::parse(services_.context.dockerfile().text,
                                      services_.context.dockerfile().name));
    TRY(dockerfile::check_supported(file));
    TRY(report_findings(file));
    return file;
  }

  // Lint: warnings, and an error where `# check=error=true` says so.
  Result<void> report_findings(const dockerfile::Dockerfile& file) {
    dockerfile::CheckOptions options{.build_args = options_.build_args};
    options.ignored = [&](const std::string& path) {
      const auto& rules = services_.context.ignore();
      return rules.ignored(path) && !rules.may_contain_included(path);
    };
    if (!options_.platform.os.empty()) options.target_platform = options_.platform.to_string();
    auto result = TRY(dockerfile::check(file, options));
    for (const auto& finding : result.findings)
      services_.progress.warning(dockerfile::to_line(file, finding));
    if (!result.fail) return {};
    return fail(ErrorKind::InvalidInput, dockerfile::to_line(file, result.findings.front()) +
                                             " (findings count as errors: # check=error=true)");
  }

  Result<Outcome> run_stages(const dockerfile::Dockerfile& file, const plan::Plan& plan,
                             BlobStore& blobs, TreeWorker& worker) {
    BaseAdviser adviser(plan::base_of_image(file, plan), services_.make_quick_client);
    BaseImages bases({.registry = services_.registry,
                      .blobs = blobs,
                      .worker = worker,
                      .progress = services_.progress,
                      .pinned = options_.pinned_bases,
                      .named = options_.named_images,
                      .stop = services_.stop,
                      .on_open = [&](const BaseImage& image) { adviser.on_open(image); }});
    LayerFactory layers(
        {.blobs = blobs,
         .worker = worker,
         .compression = options_.compression,
         .clamp_mtime = options_.clamp_run ? std::optional(options_.created) : std::nullopt,
         .stop = services_.stop});
    std::optional<Uploader> uploader;
    if (const auto* registry = std::get_if<RegistryOutput>(&options_.output))
      uploader.emplace(Uploader::Parts{.registry = services_.registry,
                                       .blobs = blobs,
                                       .bases = bases,
                                       .progress = services_.progress,
                                       .target = registry->references.front()});
    BuildState state{.file = file,
                     .plan = plan,
                     .options = options_,
                     .context = services_.context,
                     .remote = services_.remote,
                     .named = services_.named,
                     .bases = bases,
                     .layers = layers,
                     .worker = worker,
                     .progress = services_.progress,
                     .note = note_,
                     .stop = services_.stop};
    auto outcome = execute(state, uploader, blobs, adviser);
    report_.phases.pull = bases.seconds();
    report_.phases.run = state.run_seconds;
    report_.inputs.bases = bases.used();
    // Diffs that still run in the background use the worker and the store:
    // they end before those do.
    for (auto& [index, stage] : state.finished)
      for (auto& layer : stage.layers) layer.finished.wait();
    return outcome;
  }

  Result<Outcome> execute(BuildState& state, std::optional<Uploader>& uploader,
                          const BlobStore& blobs, BaseAdviser& adviser) {
    const auto chain = plan::stages_of_image(state.plan);
    for (const auto& planned : state.plan.stages)
      state.total_steps +=
          1 + static_cast<int>(state.file.stages[planned.index].instructions.size());
    for (const auto& planned : state.plan.stages) {
      auto upload = [&](const ImageLayer& layer) {
        if (uploader && chain.contains(planned.index)) uploader->add(layer);
      };
      StageBuilder builder(state, planned, upload);
      auto built = builder.build();
      if (!built) {
        state.finished.emplace(planned.index, builder.abandon());
        return std::move(built).error();
      }
      state.finished.emplace(planned.index, *std::move(built));
    }
    StageState& target = state.finished.at(state.plan.stages.back().index);
    // Sizes are part of the result: a base that no step needed is measured all the same.
    if (target.base != nullptr) TRY(noted(Doing::Pull, state.bases.unpack(*target.base)));
    TRY(layers_are_made(state.file, target));
    Outcome outcome{.image = TRY(make_image(target, options_))};
    if (auto usage = measure_usage(target, state.worker, services_.stop))
      add_usage(*usage, target, outcome.image.report);
    else
      services_.progress.warning("the layers' waste is not known: " + usage.error().message);
    add_advice(adviser.take(), outcome.image.report);
    note_.at("", 0);
    judge(outcome);
    TRY(noted(Doing::Push, deliver(outcome, uploader, blobs)));
    return outcome;
  }

  void judge(Outcome& outcome) {
    const contract::PlatformReport& sizes = outcome.image.report;
    outcome.exceeded =
        api::exceeded_limits(options_.budget, {.size_bytes = sizes.size_bytes,
                                               .own_size_bytes = sizes.own_size_bytes,
                                               .layer_count = sizes.layer_count,
                                               .baseline_bytes = options_.baseline_bytes});
    for (const auto& sentence : outcome.exceeded) services_.progress.warning("budget: " + sentence);
  }

  // Diffs run beside the steps after theirs: what went wrong in one is its own step's failure.
  Result<void> layers_are_made(const dockerfile::Dockerfile& file, const StageState& target) {
    for (const auto& layer : target.layers) {
      const auto& finished = layer.finished.get();
      if (finished) continue;
      note_.at("", layer.line);
      return Error(finished.error())
          .context(file.name + ":" + std::to_string(layer.line) + ": " + layer.created_by);
    }
    return {};
  }

  Result<void> deliver(Outcome& outcome, std::optional<Uploader>& uploader,
                       const BlobStore& blobs) {
    Stopwatch watch(report_.phases.push);
    const auto* layout = std::get_if<LayoutOutput>(&options_.output);
    const auto* archive = std::get_if<ArchiveOutput>(&options_.output);
    if (layout != nullptr || archive != nullptr) {
      if (outcome.is_blocked(options_.budget)) return {};
      for (const auto& layer : outcome.image.layers)
        if (layer.base != nullptr && !blobs.contains(layer.finished.get()->blob.digest))
          return fail(ErrorKind::Internal, "a base layer is not in the store");
      if (layout != nullptr)
        return write_layout(outcome.image, *layout, blobs).context("write " + layout->directory);
      return write_archive(outcome.image, *archive, blobs).context("write " + archive->path);
    }
    const auto* registry = std::get_if<RegistryOutput>(&options_.output);
    if (registry == nullptr) return {};
    for (const auto& layer : outcome.image.layers)
      if (layer.base != nullptr) uploader->add(layer);
    outcome.totals = TRY(uploader->finish());
    return push_manifest(outcome, registry->references);
  }

  // Everything that a manifest names is at the registry before it, the digest before the tags, the
  // moving tags last.
  Result<void> push_manifest(Outcome& outcome, const std::vector<oci::Reference>& references) {
    const Image& image = outcome.image;
    const auto& target = references.front();
    auto what = "push " + target.name();
    TRY_CONTEXT(services_.registry.push_blob(target, image.config_descriptor.digest,
                                             registry::BlobSource::from_bytes(image.config)),
                what + ": config");
    auto put = [&](const oci::Reference& to) -> Result<void> {
      auto stored = TRY_CONTEXT(
          services_.registry.put_manifest(to, image.manifest_descriptor.media_type, image.manifest),
          "push " + to.to_string());
      if (stored != image.digest)
        return fail(ErrorKind::Internal, "push " + to.to_string() + ": the registry stored " +
                                             stored.to_string() + " instead of " +
                                             image.digest.to_string());
      return {};
    };
    TRY(put(target.with_digest(image.digest)));
    if (outcome.is_blocked(options_.budget)) return {};
    for (const auto& reference : references) {
      TRY(put(reference));
      outcome.tags.push_back(reference.tag_or_latest());
      services_.progress.note("pushed " + reference.to_string() + "@" + image.digest.to_string());
    }
    return {};
  }

  const BuildOptions& options_;
  const BuildServices& services_;
  contract::BuildReport& report_;
  FailureNote note_;
};

}  // namespace

contract::BuildReport build(const BuildOptions& options, const BuildServices& services) {
  contract::BuildReport report;
  const auto& source = services.context.source();
  report.inputs = {.commit = source.commit,
                   .revision = options.revision.empty() ? source.revision : options.revision,
                   .tree = source.tree};
  {
    Stopwatch watch(report.phases.total);
    Build build(options, services, report);
    auto outcome = build.run();
    if (outcome) {
      report.result = outcome->is_blocked(options.budget) ? contract::BuildResult::OverBudget
                                                          : contract::BuildResult::Success;
      if (report.result == contract::BuildResult::OverBudget)
        report.failure = over_budget(outcome->exceeded);
      report.digest = outcome->image.digest.to_string();
      report.tags = outcome->tags;
      report.platforms = {outcome->image.report};
      report.pushed_bytes = outcome->totals.pushed_bytes;
      report.skipped_bytes = outcome->totals.skipped_bytes;
    } else {
      report.failure = build.note().take(outcome.error());
      report.result = outcome.error().kind == ErrorKind::Canceled ? contract::BuildResult::Canceled
                                                                  : contract::BuildResult::Failure;
      report.stage = report.failure->stage;
      report.line = report.failure->line;
      if (report.failure->message.empty()) report.failure->message = outcome.error().message;
    }
  }
  report.peak_memory_bytes = peak_memory();
  return report;
}

}  // namespace imagebuild::executor
