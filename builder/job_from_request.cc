#include <filesystem>

#include "builder/executor/failure_note.h"
#include "builder/job.h"
#include "common/http/certificates.h"

namespace imagebuild {
namespace {

namespace reason = api::reason;

JobError config_error(std::string_view why, std::string message) {
  return {.failure = {.failure_class = api::FailureClass::Config,
                      .reason = std::string(why),
                      .message = std::move(message)}};
}

JobError invalid_spec(const Error& error) {
  return {.failure = {.failure_class = api::FailureClass::Terminal,
                      .reason = std::string(reason::kInvalidSpec),
                      .message = error.message}};
}

// The mount is optional, so that a missing Secret is our clear error and not an
// unreadable event of the kubelet.
std::variant<std::string, JobError> read_mounted(const contract::MountedFile& file,
                                                 const std::string& path,
                                                 const std::string& field) {
  auto text = read_file(path, 1u << 20);
  if (text) return *std::move(text);
  if (text.error().kind == ErrorKind::NotFound)
    return config_error(reason::kSecretNotFound,
                        field + ": '" + file.name + "' or its key '" +
                            std::filesystem::path(path).filename().string() +
                            "' does not exist in this namespace");
  return config_error(reason::kSecretNotFound, field + ": " + text.error().message);
}

std::optional<JobError> add_credentials(const contract::BuildRequest& request, Job& job) {
  for (const auto& file : request.files.registry_auth) {
    auto text = read_mounted(file, file.path, "spec.registries.secretRefs");
    if (auto* error = std::get_if<JobError>(&text)) return *error;
    auto parsed = registry::parse_docker_config(std::get<std::string>(text));
    if (!parsed)
      return config_error(reason::kSecretNotFound, "spec.registries.secretRefs: '" + file.name +
                                                       "': " + parsed.error().message);
    job.credentials.merge(*parsed);
  }
  if (request.files.registry_ca) {
    auto text = read_mounted(*request.files.registry_ca, request.files.registry_ca->path,
                             "spec.registries.caRef");
    if (auto* error = std::get_if<JobError>(&text)) return *error;
    job.tls.ca_data = std::get<std::string>(text);
    if (auto good = http::check_certificates(job.tls.ca_data); !good)
      return config_error(reason::kSecretNotFound, "spec.registries.caRef: '" +
                                                       request.files.registry_ca->name + "' " +
                                                       good.error().message);
  }
  job.tls.add_ca(request.registries.ca);
  return std::nullopt;
}

// A plain ImageBuild names Secrets that nobody has mounted: --secret gives them.
std::optional<JobError> add_secrets(const contract::BuildRequest& request, Job& job) {
  const auto& mounted = request.files.build_secrets;
  for (std::size_t i = 0; i < mounted.size() && i < request.spec.secrets.size(); ++i) {
    const std::string field = "spec.secrets[" + std::to_string(i) + "].secretRef";
    auto value = read_mounted(mounted[i], mounted[i].path, field);
    if (auto* error = std::get_if<JobError>(&value)) return *error;
    job.options.secrets[request.spec.secrets[i].id] = std::get<std::string>(std::move(value));
  }
  return std::nullopt;
}

std::optional<JobError> set_source(const contract::BuildRequest& request, Job& job) {
  const auto& spec = request.spec;
  if (const auto* files = std::get_if<api::InlineSource>(&spec.source)) {
    job.source = context::InlineSource{
        .files = files->files, .sub_path = spec.path, .dockerfile = spec.dockerfile};
    return std::nullopt;
  }
  if (const auto* artifact = std::get_if<api::OciSource>(&spec.source)) {
    job.source = context::OciSource{
        .ref = artifact->ref, .sub_path = spec.path, .dockerfile = spec.dockerfile};
    return std::nullopt;
  }
  const auto& git = std::get<api::GitSource>(spec.source);
  context::GitSource source{
      .url = git.url,
      .branch = git.branch,
      .tag = git.tag,
      .commit = request.resolved.commit.empty() ? git.commit : request.resolved.commit,
      .sub_path = spec.path,
      .dockerfile = spec.dockerfile};
  if (request.files.git_auth) {
    const auto& directory = *request.files.git_auth;
    auto username =
        read_mounted(directory, directory.path + "/username", "spec.source.git.secretRef");
    if (auto* error = std::get_if<JobError>(&username)) return *error;
    auto password =
        read_mounted(directory, directory.path + "/password", "spec.source.git.secretRef");
    if (auto* error = std::get_if<JobError>(&password)) return *error;
    source.credentials =
        context::GitCredentials{std::get<std::string>(username), std::get<std::string>(password)};
  }
  job.source = std::move(source);
  return std::nullopt;
}

Result<executor::RegistryOutput> output_of(const contract::BuildRequest& request) {
  executor::RegistryOutput output;
  for (const auto& text : contract::push_references(request))
    output.references.push_back(TRY_CONTEXT(oci::Reference::parse(text), "spec.image"));
  if (output.references.empty())
    return fail(ErrorKind::InvalidInput, "spec.image: nothing to push to");
  return output;
}

BlobWriterOptions compression_of(const api::LayerCompression& wanted) {
  using Format = api::LayerCompression::Format;
  BlobWriterOptions options;
  if (wanted.format == Format::None) options.compression = Compression::None;
  if (wanted.format == Format::Zstd) options.compression = Compression::Zstd;
  options.gzip.level = wanted.level.value_or(options.gzip.level);
  options.zstd.level = wanted.level.value_or(options.zstd.level);
  return options;
}

}  // namespace

std::variant<Job, JobError> job_from_request(const contract::BuildRequest& request) {
  Job job;
  const auto& spec = request.spec;
  if (auto error = add_credentials(request, job)) return *error;
  if (auto error = add_secrets(request, job)) return *error;
  if (auto error = set_source(request, job)) return *error;
  auto output = output_of(request);
  if (!output) return invalid_spec(output.error());
  for (const auto& mirror : request.registries.mirrors)
    job.mirrors.push_back({mirror.host, mirror.url});
  job.insecure = contract::insecure_hosts(request);
  job.options.target = spec.target;
  for (const auto& arg : spec.args) job.options.build_args[arg.name] = arg.value;
  job.options.labels = spec.labels;
  job.options.annotations = spec.annotations;
  job.options.network = spec.network == api::Network::None ? Network::None : Network::Default;
  job.options.output = *std::move(output);
  job.options.compression = compression_of(spec.compression);
  job.options.budget = spec.budget;
  job.options.baseline_bytes = request.run.baseline_bytes;
  job.options.revision = request.resolved.revision;
  job.options.pinned_bases = request.resolved.bases;
  job.timestamp = spec.timestamp.value_or(api::Timestamp{});
  job.explicit_timestamp = spec.timestamp.has_value();
  job.timeout = spec.timeout;
  return job;
}

}  // namespace imagebuild
