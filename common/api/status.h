// ImageBuild.status as C++ values, and the object around it. Decoding is lenient: a status that
// somebody damaged must not stop the controller, which writes it anew.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/failure.h"
#include "common/api/image.h"
#include "common/api/spec.h"
#include "common/base/json.h"

namespace imagebuild::api {

/// metav1.Condition.
struct Condition {
  std::string type;
  std::string status;  ///< "True", "False", "Unknown"
  std::string reason;
  std::string message;
  std::int64_t observed_generation = 0;
  std::string last_transition_time;
};

struct InputBase {
  std::string ref, platform, digest;
};

/// What the accepted image was built from.
struct Inputs {
  std::string key;   ///< see operator/controller/identity.h
  std::string spec;  ///< hash of the build-affecting spec
  std::string
      source;  ///< what stood for the source in the key: a commit, or "" when it was not known
  std::string revision, tree;
  std::vector<InputBase> bases;
};

/// The last build, running or finished.
struct Build {
  std::string pod, hash, trigger;
  std::string source;  ///< the commit that was resolved for it, or ""
  std::string revision;
  std::string token;  ///< the rebuild token it answers
  std::int64_t number = 0, generation = 0;
  int attempt = 0;         ///< the number at the end of the pod's name
  int retries = 0;         ///< of transient failures; spec.retries bounds them
  int config_retries = 0;  ///< of configuration failures; only their delays grow with it
  std::string queued_at, started_at, finished_at;
  std::string isolation;
  std::string result;  ///< "" while it runs
  std::optional<Failure> failure;
};

struct HistoryEntry {
  std::int64_t number = 0;
  std::string hash, trigger, result, digest;
  std::uint64_t size_bytes = 0, own_size_bytes = 0;
  double seconds = 0;
  std::string finished_at;
};

/// What an accepted build weighed.
struct BaselineSample {
  std::uint64_t size_bytes = 0, own_size_bytes = 0;
};

/// Medians of the last accepted builds, each on its own: base and own need not add up to size.
struct Baseline {
  std::uint64_t size_bytes = 0, own_size_bytes = 0, base_size_bytes = 0;
  int samples = 0;
  std::vector<BaselineSample> recent;  ///< what they are medians of, newest first, at most 5
};

struct Status {
  std::int64_t observed_generation = -1;
  std::vector<Condition> conditions;
  std::optional<Image> image;
  std::optional<Baseline> baseline;
  std::optional<Inputs> inputs;
  std::optional<Build> build;
  std::vector<HistoryEntry> history;  ///< newest first, at most 10
  std::string last_handled_reconcile_at;

  const Condition* find_condition(std::string_view type) const;
};

Status status_from_json(const Json& value);
Json status_to_json(const Status& status);

/// What the controller needs of an ImageBuild.
struct ImageBuild {
  std::string name_space, name, uid, resource_version, created_at;
  std::int64_t generation = 0;
  bool deleting = false;
  std::string rebuild_token;  ///< imagebuild.dev/rebuild and reconcile.fluxcd.io/requestedAt, ""
                              ///< when neither is set
  std::string requested_at;   ///< what lastHandledReconcileAt echoes
  Result<Spec> spec;
  Status status;

  std::string key() const { return name_space + "/" + name; }
};

ImageBuild imagebuild_from_json(const Json& object);

}  // namespace imagebuild::api
