#include "builder/build_command.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <thread>

#include "builder/destinations.h"
#include "builder/executor/build.h"
#include "builder/executor/failure_note.h"
#include "builder/executor/stopwatch.h"
#include "builder/interrupt.h"
#include "builder/job.h"
#include "builder/layer/compression.h"
#include "builder/sandbox/isolation.h"
#include "builder/summary.h"
#include "builder/termination_file.h"
#include "builder/work_directory.h"
#include "common/base/unique_fd.h"
#include "common/registry/transports.h"

namespace imagebuild {
namespace {

using executor::Doing;

progress::Style style_of(const std::string& name) {
  if (name == "json") return progress::Style::Json;
  if (name == "tty" || (name == "auto" && ::isatty(STDOUT_FILENO) == 1))
    return progress::Style::Tty;
  return progress::Style::Plain;
}

contract::BuildReport failed(api::Failure failure) {
  contract::BuildReport report;
  report.result = contract::BuildResult::Failure;
  report.stage = failure.stage;
  report.line = failure.line;
  report.failure = std::move(failure);
  return report;
}

std::int64_t created_time(const api::Timestamp& timestamp, const context::SourceInfo& source) {
  switch (timestamp.kind) {
    case api::Timestamp::Kind::Source:
      return source.commit_time.value_or(0);
    case api::Timestamp::Kind::Build:
      return std::chrono::duration_cast<std::chrono::seconds>(
                 SystemClock().now().time_since_epoch())
          .count();
    case api::Timestamp::Kind::Zero:
      return 0;
    case api::Timestamp::Kind::Epoch:
      return timestamp.epoch;
  }
  return 0;
}

constexpr std::uint64_t kMaxContextTar = 9ull << 30;  // 8 GiB of content, and headers

Result<context::Context> open_source(Source& source, const std::string& work_dir,
                                     registry::Client& client, const context::Remote& remote,
                                     const std::stop_token& stop) {
  if (auto* directory = std::get_if<context::DirectorySource>(&source))
    return context::open_directory(*directory);
  if (auto* files = std::get_if<context::InlineSource>(&source)) {
    files->temporary_directory = work_dir;
    return context::write_inline(*files);
  }
  if (auto* artifact = std::get_if<context::OciSource>(&source)) {
    artifact->temporary_directory = work_dir;
    artifact->decompress = [](ByteSource bytes) {
      return open_decompressor(std::move(bytes), kMaxContextTar);
    };
    return context::pull_oci(client, *artifact);
  }
  if (auto* archive = std::get_if<ArchiveSource>(&source))
    return open_archive_context(*archive, work_dir, remote, stop);
  auto& git = std::get<context::GitSource>(source);
  git.temporary_directory = work_dir;
  if (git.ca_file.empty()) git.ca_file = remote.ca_file;
  return context::clone_git(git, stop);
}

// git takes one file of certificates, which replaces the system's: write both into it.
// Empty: there are none but the system's.
Result<std::string> write_git_trust(const Job& job, const std::string& work_dir) {
  if (job.tls.ca_data.empty()) return std::string();
  std::string trust = job.tls.ca_data;
  if (auto system = read_file("/etc/ssl/certs/ca-certificates.crt")) trust += "\n" + *system;
  std::string path = work_dir + "/ca.pem";
  TRY(write_file_atomically(path, trust));
  return path;
}

contract::BuildReport run_job(Job job, const std::string& wanted_work_dir,
                              progress::Progress& progress, const std::stop_token& stop) {
  auto work = WorkDirectory::make(wanted_work_dir);
  if (!work) return failed(executor::make_failure(work.error(), Doing::Isolation));
  auto git_trust = write_git_trust(job, work->path());
  if (!git_trust) return failed(executor::make_failure(git_trust.error(), Doing::Isolation));
  registry::TransportPair transports({.tls = job.tls});
  SystemClock clock;
  registry::ClientOptions client_options{.credentials = job.credentials,
                                         .mirrors = job.mirrors,
                                         .insecure = job.insecure,
                                         .stop = stop};
  const auto transport_for = transports.chooser();
  const context::Remote remote{&transport_for("", registry::Verification::Verified), *git_trust};
  auto client = registry::Client::make(transport_for, clock, client_options);
  if (!client) return failed(executor::make_failure(client.error(), Doing::Isolation));
  double context_seconds = 0;
  Result<context::Context> context = [&] {
    executor::Stopwatch watch(context_seconds);
    return open_source(job.source, work->path(), *client, remote, stop);
  }();
  if (!context) return failed(executor::make_failure(context.error(), Doing::Context));
  std::map<std::string, context::Context> named;
  for (auto& [name, source] : job.named) {
    executor::Stopwatch watch(context_seconds);
    auto opened =
        open_source(source, work->path(), *client, remote, stop).context("--build-context " + name);
    if (!opened) return failed(executor::make_failure(opened.error(), Doing::Context));
    named.emplace(name, *std::move(opened));
  }
  if (!context->source().revision.empty()) progress.note("source " + context->source().revision);
  job.options.created = created_time(job.timestamp, context->source());
  job.options.clamp_run = job.explicit_timestamp;
  job.options.compression.gzip.threads = job.options.compression.zstd.threads =
      std::thread::hardware_concurrency();
  job.options.work_dir = work->path();
  if (job.options.leave_trees) work->keep();
  auto quick_client = [&](std::stop_token quick_stop) {
    registry::ClientOptions quick = client_options;
    quick.retry.attempts = 1;
    quick.stop = std::move(quick_stop);
    return registry::Client::make(transports.chooser(), clock, std::move(quick));
  };
  auto report = executor::build(job.options, {.context = *context,
                                              .registry = *client,
                                              .remote = remote,
                                              .named = named,
                                              .progress = progress,
                                              .stop = stop,
                                              .make_quick_client = quick_client});
  report.phases.context = context_seconds;
  report.phases.total += context_seconds;
  return report;
}

void explain_stop(contract::BuildReport& report, StopReason reason,
                  const std::optional<Duration>& timeout) {
  if (!report.failure || reason == StopReason::None) return;
  if (reason == StopReason::Timeout) {
    report.result = contract::BuildResult::Failure;
    report.failure->failure_class = api::FailureClass::Terminal;
    report.failure->reason = api::reason::kTimeout;
    report.failure->message = "not done after " +
                              std::to_string(timeout.value_or(Duration(0)).count() / 1000) +
                              " s (spec.timeout)";
  } else {
    report.result = contract::BuildResult::Canceled;
    report.failure->failure_class = api::FailureClass::Transient;
    report.failure->reason = api::reason::kInterrupted;
    report.failure->message = "the builder was told to stop";
  }
}

std::variant<Job, JobError> make_job(const BuildFlags& flags) {
  if (flags.request.empty()) return job_from_flags(flags);
  auto text = read_file(flags.request, 4u << 20);
  if (!text)
    return JobError{.failure = executor::make_failure(text.error(), Doing::Context), .usage = true};
  auto request = contract::parse_request(*text);
  if (!request) {
    api::Failure failure{.failure_class = api::FailureClass::Terminal,
                         .reason = std::string(api::reason::kInvalidSpec),
                         .message = flags.request + ": " + request.error().message};
    return JobError{.failure = std::move(failure), .usage = true};
  }
  auto job = job_from_request(*request);
  auto* made = std::get_if<Job>(&job);
  if (made == nullptr) return job;
  if (auto error = add_flags(flags, *made)) return *error;
  return job;
}

constexpr int kConfigurationStatus = 3;

// A report that somebody asked for and does not get is no success: `status`, or 3 instead of 0.
int complain_of_report(const char* what, const Error& error, int status) {
  std::fprintf(stderr, "error: %s: %s\n", what, error.message.c_str());
  return status == 0 ? kConfigurationStatus : status;
}

int finish(const contract::BuildReport& report, const BuildFlags& flags,
           TerminationFile* termination, int status) {
  if (!flags.report.empty()) {
    auto written =
        write_report(flags.report, dump_json(contract::report_to_json(report), 2) + "\n");
    if (!written) status = complain_of_report("--report", written.error(), status);
  }
  // In a pod the log joins both streams in any order, and the tables have to be its end.
  std::FILE* summary = report.failure && termination == nullptr ? stderr : stdout;
  if (flags.progress != "json") std::fputs(render_summary(report).c_str(), summary);
  std::fflush(stdout);
  if (termination == nullptr) return status;
  // The layer table has to be the last that this process prints.
  for (const auto& line : contract::report_lines(report)) std::printf("%s\n", line.c_str());
  std::fflush(stdout);
  if (auto written = termination->write(report); !written)
    status = complain_of_report("--termination-log", written.error(), status);
  return status;
}

}  // namespace

int build_command(const BuildFlags& flags) {
  // Credentials live in this process: no other process of this uid may
  // read its memory or environment.
  ::prctl(PR_SET_DUMPABLE, 0);
  std::unique_ptr<TerminationFile> termination;
  if (!flags.termination_log.empty()) {
    auto opened = TerminationFile::open(flags.termination_log);
    if (!opened) {
      std::fprintf(stderr, "error: %s\n", opened.error().message.c_str());
      return 2;
    }
    termination = *std::move(opened);
  }
  auto job = make_job(flags);
  if (auto* error = std::get_if<JobError>(&job)) {
    auto report = failed(error->failure);
    return finish(report, flags, termination.get(), error->usage ? 2 : exit_status(report));
  }
  if (flags.isolation != "auto" && flags.isolation != "overlay") {
    auto report = failed({.failure_class = api::FailureClass::Terminal,
                          .reason = std::string(api::reason::kNotImplemented),
                          .message = "--isolation " + flags.isolation +
                                     " is not supported yet; use auto or overlay"});
    return finish(report, flags, termination.get(), 2);
  }
  if (auto ready = check_destinations(std::get<Job>(job).options.output, flags.report); !ready) {
    std::fprintf(stderr, "error: %s\n", ready.error().message.c_str());
    return kConfigurationStatus;
  }
  auto timeout = std::get<Job>(job).timeout;
  std::get<Job>(job).options.leave_trees = termination != nullptr;  // in a pod
  Interrupt interrupt(timeout);
  auto renderer = progress::make_renderer(style_of(flags.progress), STDOUT_FILENO);
  std::vector<progress::Progress*> listeners{renderer.get()};
  if (termination) listeners.push_back(termination.get());
  progress::Broadcast progress(std::move(listeners));
  auto report = run_job(std::get<Job>(std::move(job)), flags.work_dir, progress, interrupt.token());
  renderer.reset();
  explain_stop(report, interrupt.reason(), timeout);
  return finish(report, flags, termination.get(), exit_status(report));
}

}  // namespace imagebuild
