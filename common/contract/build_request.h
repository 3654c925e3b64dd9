// BuildRequest: what one build is asked to do, operator → builder. It holds no secret value, only
// the paths where secrets are mounted. The builder also accepts a plain ImageBuild; then nothing is
// resolved beforehand and the builder resolves commit and bases itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/spec.h"
#include "common/base/json.h"
#include "common/base/result.h"

namespace imagebuild::contract {

/// A base image as it was resolved: `digest` is what the tag answers to
/// HEAD (the index's, if it is one).
struct Base {
  std::string ref;       ///< as the Dockerfile writes it, normalised
  std::string platform;  ///< "linux/amd64"
  std::string digest;
  friend bool operator==(const Base&, const Base&) = default;
};

/// Requests to `host` go to `url` first; if it does not answer, to the host itself.
struct Mirror {
  std::string host;
  std::string url;
};

/// The operator's own registry settings, on top of the spec's.
struct RegistrySettings {
  std::vector<Mirror> mirrors;
  std::string ca;  ///< PEM text
  std::vector<std::string> insecure;
};

/// What is known before the build and has to be used as it is;
/// empty parts are resolved by the builder.
struct Resolved {
  std::string commit;
  std::string revision;  ///< "main@sha1:…", for labels and the report
  std::vector<Base> bases;
  std::vector<std::string> tags;  ///< every tag to push, the immutable one first
};

/// A Secret or ConfigMap mounted into the pod. The mount is optional: a path that is not there
/// means that the object (or its key) does not exist, which the builder reports as SecretNotFound
/// with this name.
struct MountedFile {
  std::string name;  ///< of the Secret or ConfigMap
  std::string path;  ///< file or directory
};

struct Files {
  std::vector<MountedFile>
      registry_auth;  ///< docker config JSON files, in the order of spec.registries.secretRefs
  std::optional<MountedFile> registry_ca;  ///< PEM file
  std::optional<MountedFile> git_auth;     ///< directory with `username` and `password`
  std::vector<MountedFile> build_secrets;  ///< files, in the order of spec.secrets
};

struct Run {
  api::Isolation isolation = api::Isolation::Auto;
  std::uint64_t baseline_bytes = 0;  ///< 0: none yet
};

struct BuildRequest {
  std::string name_space, name;  ///< of the ImageBuild; for logs
  api::Spec spec;                ///< suspend, retries, history and pod have their defaults
  Run run;
  RegistrySettings registries;
  Resolved resolved;
  Files files;
};

/// Every reference to push, in order: the resolved tags, else those of the spec.
std::vector<std::string> push_references(const BuildRequest& request);
/// The union of the operator's and the spec's insecure hosts.
std::vector<std::string> insecure_hosts(const BuildRequest& request);

/// Compact and deterministic: the same request gives the same bytes.
std::string encode_request(const BuildRequest& request);
/// JSON or YAML of kind BuildRequest or ImageBuild. InvalidInput names the field;
/// unknown fields are errors.
Result<BuildRequest> parse_request(std::string_view text);

}  // namespace imagebuild::contract
