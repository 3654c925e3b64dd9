#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "builder/job.h"
#include "builder/output_flags.h"
#include "builder/secret_flags.h"

namespace imagebuild {
namespace {

JobError usage(std::string message) {
  return {.failure = {.failure_class = api::FailureClass::Terminal,
                      .reason = std::string(api::reason::kInvalidSpec),
                      .message = std::move(message)},
          .usage = true};
}

// What the command line will have and does not have yet: an error, never a silent nothing.
std::optional<std::string> not_yet(const BuildFlags& flags) {
  if (!flags.cache_repo.empty()) return "there is no step cache yet: --cache-repo is not supported";
  if (flags.context.empty()) return "CONTEXT is empty; the current directory is '.'";
  return std::nullopt;
}

Result<std::map<std::string, std::string>> key_values(const std::vector<std::string>& items,
                                                      const char* flag, bool from_environment) {
  std::map<std::string, std::string> values;
  for (const auto& item : items) {
    auto equals = item.find('=');
    std::string name = item.substr(0, equals);
    if (name.empty())
      return fail(ErrorKind::InvalidInput,
                  std::string(flag) + " " + item + ": expected NAME=VALUE");
    if (equals != std::string::npos)
      values[name] = item.substr(equals + 1);
    else if (const char* value = from_environment ? std::getenv(name.c_str()) : nullptr)
      values[name] = value;
    else if (!from_environment)
      values[name] = "";
  }
  return values;
}

Result<api::Timestamp> parse_timestamp(const std::string& text) {
  if (text == "source") return api::Timestamp{.kind = api::Timestamp::Kind::Source};
  if (text == "build") return api::Timestamp{.kind = api::Timestamp::Kind::Build};
  if (text == "zero") return api::Timestamp{.kind = api::Timestamp::Kind::Zero};
  api::Timestamp timestamp{.kind = api::Timestamp::Kind::Epoch};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), timestamp.epoch);
  if (error != std::errc() || end != text.data() + text.size() || timestamp.epoch < 0 ||
      timestamp.epoch > 253402300799)  // the end of the year 9999
    return fail(ErrorKind::InvalidInput,
                "--timestamp " + text +
                    ": expected source, build, zero or seconds since 1970 (up to the year 9999)");
  return timestamp;
}

Result<Source> parse_source(const BuildFlags& flags) {
  if (auto git = TRY(context::parse_git_url(flags.context))) {
    git->dockerfile = flags.file;
    return Source(*std::move(git));
  }
  if (flags.context == "-") return Source(ArchiveSource{.url = {}, .dockerfile = flags.file});
  if (context::is_http_url(flags.context))
    return Source(ArchiveSource{.url = flags.context, .dockerfile = flags.file});
  // Relative to the working directory as with other builders, not to the context.
  std::string file = flags.file.empty() ? "" : std::filesystem::absolute(flags.file).string();
  return Source(context::DirectorySource{.path = flags.context, .dockerfile = file});
}

// --build-context NAME=SOURCE: an image that a name means, or files beside the context.
Result<void> add_named_context(const std::string& flag, Job& job) {
  const auto equals = flag.find('=');
  const std::string name = flag.substr(0, equals);
  if (name.empty() || equals == std::string::npos || equals + 1 == flag.size())
    return fail(
        ErrorKind::InvalidInput,
        "expected NAME=DIR, NAME=docker-image://REF, NAME=https://….git or the URL of a tar");
  const std::string value = flag.substr(equals + 1);
  const auto as_image = oci::Reference::parse(name);
  if (!as_image) return Error(as_image.error()).context("NAME");
  constexpr std::string_view kImage = "docker-image://";
  if (value.starts_with(kImage)) {
    job.options.named_images.emplace_back(
        *as_image, TRY(oci::Reference::parse(std::string_view(value).substr(kImage.size()))));
  } else if (value.starts_with("oci-layout://")) {
    return fail(ErrorKind::InvalidInput, "oci-layout:// is not supported yet");
  } else if (auto git = TRY(context::parse_git_url(value))) {
    git->files_only = true;
    job.named.insert_or_assign(name, Source(*std::move(git)));
  } else if (context::is_http_url(value)) {
    job.named.insert_or_assign(name, Source(ArchiveSource{.url = value, .files_only = true}));
  } else {
    job.named.insert_or_assign(name,
                               Source(context::DirectorySource{.path = value, .files_only = true}));
  }
  return {};
}

Result<Job> make_job(const BuildFlags& flags) {
  if (auto missing = not_yet(flags)) return fail(ErrorKind::InvalidInput, *missing);
  Job job;
  job.source = TRY(parse_source(flags));
  for (const auto& flag : flags.build_contexts)
    TRY_CONTEXT(add_named_context(flag, job),
                "--build-context " + context::without_credentials(flag));
  job.options.target = flags.target;
  job.options.build_args = TRY(key_values(flags.build_args, "--build-arg", true));
  job.options.labels = TRY(key_values(flags.labels, "--label", false));
  if (!flags.platform.empty())
    job.options.platform = TRY_CONTEXT(oci::Platform::parse(flags.platform), "--platform");
  if (flags.network == "none")
    job.options.network = Network::None;
  else if (!flags.network.empty() && flags.network != "default")
    return fail(ErrorKind::InvalidInput,
                "--network " + flags.network + ": expected default or none");
  job.options.output = TRY(parse_output(flags.tags, flags.output));
  job.options.compression = TRY(parse_compression(flags.compression));
  if (!flags.timestamp.empty()) job.timestamp = TRY(parse_timestamp(flags.timestamp));
  job.explicit_timestamp = !flags.timestamp.empty();
  job.mirrors = TRY(parse_mirrors(flags.registry));
  job.insecure = flags.registry.insecure;
  return job;
}

// What only this machine knows; beside a request's, which come first.
Result<void> add_trust_and_credentials(const BuildFlags& flags, Job& job) {
  job.tls.add_ca(TRY(load_trust(flags.registry)).ca_data);
  job.credentials.merge(TRY(load_credentials(flags.registry)));
  return {};
}

// What RUN may mount of this machine; beside a request's, which come first.
Result<void> add_run_mounts(const BuildFlags& flags, Job& job) {
  const EnvironmentLookup environment = [](const char* name) { return std::getenv(name); };
  job.options.secrets.merge(TRY(load_secrets(flags.secrets, environment)));
  job.options.ssh_agents = TRY(find_ssh_agents(flags.ssh, environment));
  job.options.cache_dir = flags.cache_dir;
  if (!flags.step_timeout.empty())
    job.options.step_timeout =
        TRY_CONTEXT(parse_duration(flags.step_timeout), "--step-timeout " + flags.step_timeout);
  return {};
}

JobError configuration(const Error& error) {
  return {.failure = {.failure_class = api::FailureClass::Config,
                      .reason = std::string(api::reason::kSecretNotFound),
                      .message = error.message}};
}

std::optional<JobError> add_this_machine(const BuildFlags& flags, Job& job) {
  if (auto added = add_trust_and_credentials(flags, job); !added)
    return configuration(added.error());
  auto added = add_run_mounts(flags, job);
  if (added) return std::nullopt;
  return added.error().kind == ErrorKind::InvalidInput ? usage(added.error().message)
                                                       : configuration(added.error());
}

}  // namespace

std::variant<Job, JobError> job_from_flags(const BuildFlags& flags) {
  auto job = make_job(flags);
  if (!job) return usage(job.error().message);
  if (auto error = add_this_machine(flags, *job)) return *error;
  return *std::move(job);
}

namespace {

std::string contradiction(const BuildFlags& flags) {
  const std::pair<const char*, bool> given[] = {{"CONTEXT", flags.context != "."},
                                                {"--file", !flags.file.empty()},
                                                {"--target", !flags.target.empty()},
                                                {"--tag", !flags.tags.empty()},
                                                {"--build-arg", !flags.build_args.empty()},
                                                {"--build-context", !flags.build_contexts.empty()},
                                                {"--label", !flags.labels.empty()},
                                                {"--platform", !flags.platform.empty()},
                                                {"--network", !flags.network.empty()},
                                                {"--compression", !flags.compression.empty()},
                                                {"--timestamp", !flags.timestamp.empty()},
                                                {"--cache-repo", !flags.cache_repo.empty()}};
  for (const auto& [name, is_given] : given)
    if (is_given)
      return std::string(name) + " and --request exclude each other: the request says it";
  return {};
}

Result<void> add_to(const BuildFlags& flags, Job& job) {
  for (const auto& host : flags.registry.insecure) job.insecure.push_back(host);
  for (auto& mirror : TRY(parse_mirrors(flags.registry))) job.mirrors.push_back(std::move(mirror));
  if (flags.output.empty() || flags.output == "registry") return {};
  std::vector<std::string> names;
  if (const auto* pushed = std::get_if<executor::RegistryOutput>(&job.options.output))
    for (const auto& reference : pushed->references) names.push_back(reference.to_string());
  job.options.output = TRY(parse_output(names, flags.output));
  return {};
}

}  // namespace

std::optional<JobError> add_flags(const BuildFlags& flags, Job& job) {
  if (auto message = contradiction(flags); !message.empty()) return usage(message);
  if (auto added = add_to(flags, job); !added) return usage(added.error().message);
  return add_this_machine(flags, job);
}

}  // namespace imagebuild
