#include "common/api/status.h"

#include "common/api/status_json.h"

namespace imagebuild::api {
namespace {

constexpr int kMaxCount = 1'000'000'000;

Condition condition_from_json(const Json& value) {
  return {string_at(value, {"type"}),
          string_at(value, {"status"}),
          string_at(value, {"reason"}),
          string_at(value, {"message"}),
          integer_at(value, "observedGeneration"),
          string_at(value, {"lastTransitionTime"})};
}

Json condition_to_json(const Condition& condition) {
  Json result = {{"type", condition.type},
                 {"status", condition.status},
                 {"reason", condition.reason},
                 {"lastTransitionTime", condition.last_transition_time}};
  put(result, "message", condition.message);
  put_number(result, "observedGeneration", condition.observed_generation);
  return result;
}

InputBase base_from_json(const Json& value) {
  return {string_at(value, {"ref"}), string_at(value, {"platform"}), string_at(value, {"digest"})};
}

Inputs inputs_from_json(const Json& value) {
  return {string_at(value, {"key"}),    string_at(value, {"spec"}),
          string_at(value, {"source"}), string_at(value, {"revision"}),
          string_at(value, {"tree"}),   list_at<InputBase>(value, "bases", base_from_json)};
}

Json inputs_to_json(const Inputs& inputs) {
  Json result = Json::object();
  put(result, "key", inputs.key);
  put(result, "spec", inputs.spec);
  put(result, "source", inputs.source);
  put(result, "revision", inputs.revision);
  put(result, "tree", inputs.tree);
  for (const InputBase& base : inputs.bases) {
    Json item = Json::object();
    put(item, "ref", base.ref);
    put(item, "platform", base.platform);
    put(item, "digest", base.digest);
    result["bases"].push_back(std::move(item));
  }
  return result;
}

Build build_from_json(const Json& value) {
  Build build{.pod = string_at(value, {"pod"}),
              .hash = string_at(value, {"hash"}),
              .trigger = string_at(value, {"trigger"})};
  build.source = string_at(value, {"source"});
  build.revision = string_at(value, {"revision"});
  build.token = string_at(value, {"token"});
  build.number = integer_at(value, "number");
  build.generation = integer_at(value, "generation");
  build.attempt = int_at(value, "attempt");
  // They are counted on from: far from where an integer ends.
  build.attempt = std::min(build.attempt, kMaxCount);
  build.number = std::clamp<std::int64_t>(build.number, 0, kMaxCount);
  build.retries = std::min(int_at(value, "retries"), kMaxCount);
  build.config_retries = std::min(int_at(value, "configRetries"), kMaxCount);
  build.queued_at = string_at(value, {"queuedAt"});
  build.started_at = string_at(value, {"startedAt"});
  build.finished_at = string_at(value, {"finishedAt"});
  build.isolation = string_at(value, {"isolation"});
  build.result = string_at(value, {"result"});
  if (const Json* failure = find_path(value, {"failure"}); failure != nullptr)
    build.failure = failure_from_json(*failure);
  return build;
}

Json build_to_json(const Build& build) {
  Json result = Json::object();
  put(result, "pod", build.pod);
  put(result, "hash", build.hash);
  put(result, "trigger", build.trigger);
  put_number(result, "number", build.number);
  put_number(result, "generation", build.generation);
  put_number(result, "attempt", build.attempt);
  put(result, "source", build.source);
  put(result, "revision", build.revision);
  put(result, "token", build.token);
  put_number(result, "retries", build.retries);
  put_number(result, "configRetries", build.config_retries);
  put(result, "queuedAt", build.queued_at);
  put(result, "startedAt", build.started_at);
  put(result, "finishedAt", build.finished_at);
  put(result, "isolation", build.isolation);
  put(result, "result", build.result);
  if (build.failure) result["failure"] = failure_to_json(*build.failure);
  return result;
}

HistoryEntry history_from_json(const Json& value) {
  HistoryEntry entry{integer_at(value, "number"),    string_at(value, {"hash"}),
                     string_at(value, {"trigger"}),  string_at(value, {"result"}),
                     string_at(value, {"digest"}),   bytes_at(value, "sizeBytes"),
                     bytes_at(value, "ownSizeBytes")};
  entry.finished_at = string_at(value, {"finishedAt"});
  if (const Json* seconds = find_path(value, {"seconds"});
      seconds != nullptr && seconds->is_number())
    entry.seconds = seconds->get<double>();
  return entry;
}

Json history_to_json(const HistoryEntry& entry) {
  Json result = {{"number", entry.number}};
  put(result, "hash", entry.hash);
  put(result, "trigger", entry.trigger);
  put(result, "result", entry.result);
  put_number(result, "seconds", entry.seconds);
  put(result, "digest", entry.digest);
  put_number(result, "sizeBytes", entry.size_bytes);
  put_number(result, "ownSizeBytes", entry.own_size_bytes);
  put(result, "finishedAt", entry.finished_at);
  return result;
}

BaselineSample sample_from_json(const Json& value) {
  return {bytes_at(value, "sizeBytes"), bytes_at(value, "ownSizeBytes")};
}

Baseline baseline_from_json(const Json& value) {
  return {.size_bytes = bytes_at(value, "sizeBytes"),
          .own_size_bytes = bytes_at(value, "ownSizeBytes"),
          .base_size_bytes = bytes_at(value, "baseSizeBytes"),
          .samples = int_at(value, "samples"),
          .recent = list_at<BaselineSample>(value, "recent", sample_from_json)};
}

Json baseline_to_json(const Baseline& baseline) {
  Json result = {{"samples", baseline.samples}};
  put_number(result, "sizeBytes", baseline.size_bytes);
  put_number(result, "ownSizeBytes", baseline.own_size_bytes);
  put_number(result, "baseSizeBytes", baseline.base_size_bytes);
  for (const BaselineSample& sample : baseline.recent) {
    Json item = {{"sizeBytes", sample.size_bytes}};
    put_number(item, "ownSizeBytes", sample.own_size_bytes);
    result["recent"].push_back(std::move(item));
  }
  return result;
}

}  // namespace

const Condition* Status::find_condition(std::string_view type) const {
  for (const Condition& condition : conditions)
    if (condition.type == type) return &condition;
  return nullptr;
}

Status status_from_json(const Json& value) {
  Status status;
  if (!value.is_object()) return status;
  status.observed_generation = integer_at(value, "observedGeneration", -1);
  status.conditions = list_at<Condition>(value, "conditions", condition_from_json);
  if (const Json* image = find_path(value, {"image"}); image != nullptr && image->is_object())
    status.image = image_from_json(*image);
  if (const Json* baseline = find_path(value, {"baseline"});
      baseline != nullptr && baseline->is_object())
    status.baseline = baseline_from_json(*baseline);
  if (const Json* inputs = find_path(value, {"inputs"}); inputs != nullptr && inputs->is_object())
    status.inputs = inputs_from_json(*inputs);
  if (const Json* build = find_path(value, {"build"}); build != nullptr && build->is_object())
    status.build = build_from_json(*build);
  status.history = list_at<HistoryEntry>(value, "history", history_from_json);
  status.last_handled_reconcile_at = string_at(value, {"lastHandledReconcileAt"});
  return status;
}

Json status_to_json(const Status& status) {
  Json result = {{"observedGeneration", status.observed_generation}, {"conditions", Json::array()}};
  for (const Condition& condition : status.conditions)
    result["conditions"].push_back(condition_to_json(condition));
  if (status.image) result["image"] = image_to_json(*status.image);
  if (status.baseline) result["baseline"] = baseline_to_json(*status.baseline);
  if (status.inputs) result["inputs"] = inputs_to_json(*status.inputs);
  if (status.build) result["build"] = build_to_json(*status.build);
  for (const HistoryEntry& entry : status.history)
    result["history"].push_back(history_to_json(entry));
  put(result, "lastHandledReconcileAt", status.last_handled_reconcile_at);
  return result;
}

ImageBuild imagebuild_from_json(const Json& object) {
  const Json* spec = find_path(object, {"spec"});
  ImageBuild build{
      .name_space = string_at(object, {"metadata", "namespace"}),
      .name = string_at(object, {"metadata", "name"}),
      .uid = string_at(object, {"metadata", "uid"}),
      .resource_version = string_at(object, {"metadata", "resourceVersion"}),
      .created_at = string_at(object, {"metadata", "creationTimestamp"}),
      .generation = 0,
      .deleting = !string_at(object, {"metadata", "deletionTimestamp"}).empty(),
      .rebuild_token = string_at(object, {"metadata", "annotations", "imagebuild.dev/rebuild"}),
      .requested_at =
          string_at(object, {"metadata", "annotations", "reconcile.fluxcd.io/requestedAt"}),
      .spec = spec_from_json(spec == nullptr ? Json() : *spec),
      .status = {}};
  if (const Json* metadata = find_path(object, {"metadata"}); metadata != nullptr)
    build.generation = integer_at(*metadata, "generation");
  if (const Json* status = find_path(object, {"status"}); status != nullptr)
    build.status = status_from_json(*status);
  // Either annotation asks for a build; both together are one token.
  // Flux expects its own value back.
  const std::string own = build.rebuild_token.substr(0, 256);
  const std::string flux = build.requested_at.substr(0, 256);
  build.requested_at = flux.empty() ? own : flux;
  build.rebuild_token = own.empty() || flux.empty() ? own + flux : own + "\n" + flux;
  return build;
}

}  // namespace imagebuild::api
