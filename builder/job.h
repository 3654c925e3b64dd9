// A job: everything one build needs, made from the command line or from a BuildRequest. Making it
// reads files (secrets, certificates) but does not run, fetch or write anything.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "builder/archive_context.h"
#include "builder/build_command.h"
#include "builder/context/context.h"
#include "builder/executor/options.h"
#include "common/api/failure.h"
#include "common/base/clock.h"
#include "common/contract/build_request.h"
#include "common/http/transport.h"
#include "common/registry/client.h"

namespace imagebuild {

using Source = std::variant<context::DirectorySource, context::InlineSource, context::GitSource,
                            context::OciSource, ArchiveSource>;

struct Job {
  Source source;
  std::map<std::string, Source> named;  ///< contexts for COPY --from
  executor::BuildOptions options;       ///< without `created` and `work_dir`
  api::Timestamp timestamp;
  bool explicit_timestamp = false;
  registry::Credentials credentials;
  std::vector<registry::Mirror> mirrors;
  std::vector<std::string> insecure;
  http::TlsOptions tls;
  std::optional<Duration> timeout;
};

/// Why no job could be made: usage errors are the caller's, everything else is a failure to report.
struct JobError {
  api::Failure failure;
  bool usage = false;
};

std::variant<Job, JobError> job_from_flags(const BuildFlags& flags);
std::variant<Job, JobError> job_from_request(const contract::BuildRequest& request);

/// What flags beside --request may add: where the output goes instead, and what only this machine
/// knows (mirrors, insecure hosts, certificates, credentials). Any other flag would contradict the
/// request: a usage error.
std::optional<JobError> add_flags(const BuildFlags& flags, Job& job);

}  // namespace imagebuild
