// ImageBuild.spec as C++ values. Decoding and validation are one step: a Spec that exists is valid.
// A field that is not here is an error in a file and pruned by the CRD's schema in a cluster.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/api/budget.h"
#include "common/api/build_secret.h"
#include "common/api/compression.h"
#include "common/base/clock.h"
#include "common/base/json.h"
#include "common/base/result.h"

namespace imagebuild::api {

inline constexpr std::string_view kGroup = "imagebuild.dev";
inline constexpr std::string_view kVersion = "v1alpha1";
inline constexpr std::string_view kApiVersion = "imagebuild.dev/v1alpha1";
inline constexpr std::string_view kKind = "ImageBuild";
inline constexpr std::string_view kPlural = "imagebuilds";

struct GitSource {
  std::string url;     ///< http or https
  std::string branch;  ///< at most one of branch, tag, commit; none: the remote's HEAD
  std::string tag;
  std::string commit;      ///< 40 hex digits
  std::string secret_ref;  ///< kubernetes.io/basic-auth Secret; "": anonymous
};

struct InlineSource {
  std::map<std::string, std::string> files;  ///< relative path → content, 64 KiB in all
};

/// A context that was pushed to a registry: what kContextArtifactType says.
struct OciSource {
  std::string ref;  ///< repository@sha256:…; the credentials are those of spec.registries
};
/// An OCI manifest of this type has one layer, a tar (gzip or not) of the context.
inline constexpr std::string_view kContextArtifactType = "application/vnd.imagebuild.context.v1";

using SourceSpec = std::variant<GitSource, InlineSource, OciSource>;

struct Argument {
  std::string name;
  std::string value;
};

/// A key of a ConfigMap with PEM certificates.
struct CaRef {
  std::string name;
  std::string key = "ca.crt";
};

struct Registries {
  std::vector<std::string> secret_refs;  ///< kubernetes.io/dockerconfigjson Secrets
  std::optional<CaRef> ca_ref;
  std::vector<std::string> insecure;  ///< HOST[:PORT]: https not verified, else http
};

/// Which time image and files written by the builder carry. Absent is not the same as Source: only
/// an explicit one also clamps what RUN wrote.
struct Timestamp {
  enum class Kind { Source, Build, Zero, Epoch };
  Kind kind = Kind::Source;
  std::int64_t epoch = 0;  ///< seconds, for Kind::Epoch
};

enum class Network { Default, None };
enum class Isolation { Auto, Overlay };

struct History {
  int successful = 1;
  int failed = 3;
  Duration ttl = std::chrono::hours(168);
};

/// Closed subset of a pod's settings; Json parts are passed to the API server,
/// which validates them.
struct Pod {
  std::string service_account_name;
  Json resources;    ///< {requests, limits} or null
  Json tolerations;  ///< list or null
  std::map<std::string, std::string> node_selector, labels, annotations;
  std::string priority_class_name, runtime_class_name;
  Isolation isolation = Isolation::Auto;
};

struct Spec {
  SourceSpec source;
  std::string path;        ///< sub-directory of the source; "": its root
  std::string dockerfile;  ///< relative to path; "": Dockerfile
  std::string target;
  std::vector<Argument> args;
  std::vector<BuildSecret> secrets;
  std::string image;  ///< repository[:tag]
  std::vector<std::string> tags;
  Registries registries;
  std::map<std::string, std::string> labels, annotations;
  std::optional<Timestamp> timestamp;
  LayerCompression compression;
  Network network = Network::Default;
  Duration timeout = std::chrono::hours(1);
  int retries = 2;
  bool suspend = false;
  Budget budget;
  History history;
  Pod pod;
};

/// Decodes and validates `value` (the object below "spec"). InvalidInput: "spec.source: exactly one
/// of git, inline, oci".
Result<Spec> spec_from_json(const Json& value);
/// What was given, in the shape of the YAML; defaults are left out.
Json spec_to_json(const Spec& spec);

/// "registry.acme.io/web" of "registry.acme.io/web:1.2".
std::string image_repository(const Spec& spec);
/// The moving tags to push: the one in `image`, then `tags`;
/// "latest" if there is none. No repetitions.
std::vector<std::string> image_tags(const Spec& spec);

std::string timestamp_to_text(const Timestamp& timestamp);
Result<Timestamp> timestamp_from_text(std::string_view text);

}  // namespace imagebuild::api
