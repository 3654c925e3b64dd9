#include "operator/telemetry/object_gauges.h"

namespace imagebuild::telemetry {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

enum Gauge {
  kSize,
  kUncompressed,
  kOrigin,
  kLayers,
  kLargest,
  kBaseline,
  kBaselineOrigin,
  kWasted,
  kGrowth,
  kLayer,
  kBudget,
  kLastSuccess,
  kReady,
  kSuspended,
  kUpToDate,
  kInfo,
  kGaugeCount
};

const struct {
  const char* name;
  const char* help;
} kGauges[kGaugeCount] = {
    {"imagebuild_image_size_bytes",
     "Compressed size of the accepted image's layers, as the registry holds them."},
    {"imagebuild_image_uncompressed_size_bytes", "Size of the accepted image's layers, unpacked."},
    {"imagebuild_image_origin_size_bytes",
     "Compressed size by origin: of the base image, or the build's own."},
    {"imagebuild_image_layers", "Layers of the accepted image."},
    {"imagebuild_image_largest_layer_size_bytes", "Compressed size of the largest layer."},
    {"imagebuild_image_baseline_size_bytes", "Median compressed size of the last accepted builds."},
    {"imagebuild_image_baseline_origin_size_bytes",
     "Median compressed size by origin of the last accepted builds."},
    {"imagebuild_image_wasted_bytes",
     "Unpacked bytes of the accepted image that later layers overwrite or remove."},
    {"imagebuild_image_largest_growth_bytes",
     "Compressed bytes by which the layer that grew most grew over the image before, and its "
     "Dockerfile line (0: of the base)."},
    {"imagebuild_layer_size_bytes", "Compressed size of the ten largest layers."},
    {"imagebuild_image_size_budget_bytes", "spec.budget.size."},
    {"imagebuild_last_success_timestamp_seconds", "When the accepted image was built."},
    {"imagebuild_ready", "1 when an image of the current spec is accepted."},
    {"imagebuild_suspended", "1 when spec.suspend is set."},
    {"imagebuild_up_to_date",
     "1 when the accepted image was built from the current inputs; absent while that is not "
     "known."},
    {"imagebuild_info", "1; the repository that is pushed to."},
};

ClientMetric gauge(double value, std::vector<ClientMetric::Label> labels) {
  ClientMetric metric;
  metric.gauge.value = value;
  metric.label = std::move(labels);
  return metric;
}

/// "07": label values that sort.
std::string two_digits(std::size_t index) {
  return (index < 10 ? "0" : "") + std::to_string(index);
}

MetricFamily family(const char* name, const char* help) {
  MetricFamily result;
  result.name = name;
  result.help = help;
  result.type = MetricType::Gauge;
  return result;
}

}  // namespace

ObjectGauges::ObjectGauges() {
  for (const auto& entry : kGauges) families_.push_back(family(entry.name, entry.help));
}

void ObjectGauges::add(const ObjectSample& sample) {
  using Labels = std::vector<ClientMetric::Label>;
  const Labels object = {{"namespace", sample.name_space}, {"imagebuild", sample.name}};
  auto put = [&](Gauge which, double value, Labels labels) {
    families_[which].metric.push_back(gauge(value, std::move(labels)));
  };
  auto with = [&](Labels labels, const char* name, const std::string& value) {
    labels.push_back({name, value});
    return labels;
  };
  for (const PlatformSample& platform : sample.platforms) {
    const Labels labels = with(object, "platform", platform.platform);
    put(kSize, static_cast<double>(platform.size_bytes), labels);
    put(kUncompressed, static_cast<double>(platform.uncompressed_bytes), labels);
    put(kOrigin, static_cast<double>(platform.base_bytes), with(labels, "origin", "base"));
    put(kOrigin, static_cast<double>(platform.own_bytes), with(labels, "origin", "own"));
    put(kLayers, platform.layers, labels);
    put(kLargest, static_cast<double>(platform.largest_layer_bytes), labels);
    if (platform.wasted_bytes) put(kWasted, static_cast<double>(*platform.wasted_bytes), labels);
    if (platform.growth_bytes > 0)
      put(kGrowth, static_cast<double>(platform.growth_bytes),
          with(labels, "line", std::to_string(platform.growth_line)));
    for (const PlatformSample::Layer& layer : platform.largest_layers)
      put(kLayer, static_cast<double>(layer.size_bytes),
          with(with(labels, "layer", two_digits(layer.index)), "origin",
               layer.own ? "own" : "base"));
    if (!sample.baseline) continue;
    put(kBaseline, static_cast<double>(sample.baseline->size_bytes), labels);
    put(kBaselineOrigin, static_cast<double>(sample.baseline->base_bytes),
        with(labels, "origin", "base"));
    put(kBaselineOrigin, static_cast<double>(sample.baseline->own_bytes),
        with(labels, "origin", "own"));
  }
  if (sample.budget_bytes) put(kBudget, static_cast<double>(*sample.budget_bytes), object);
  if (sample.last_success) put(kLastSuccess, *sample.last_success, object);
  put(kReady, sample.ready, object);
  put(kSuspended, sample.suspended, object);
  if (sample.up_to_date) put(kUpToDate, *sample.up_to_date, object);
  put(kInfo, 1, with(object, "image", sample.image));
}

void ObjectGauges::add_counts(const char* name, const char* help,
                              const std::vector<NamespaceCount>& counts) {
  MetricFamily result = family(name, help);
  for (const NamespaceCount& count : counts)
    result.metric.push_back(gauge(count.count, {{"namespace", count.name_space}}));
  families_.push_back(std::move(result));
}

api::FailureClass natural_class(std::string_view reason) {
  namespace r = api::reason;
  for (std::string_view terminal :
       {r::kBadDockerfile, r::kBuildFailed, r::kBadContext, r::kNotImplemented, r::kTimeout,
        r::kInvalidSpec, r::kSizeBudgetExceeded})
    if (reason == terminal) return api::FailureClass::Terminal;
  for (std::string_view transient :
       {r::kRegistryUnavailable, r::kDigestMismatch, r::kSourceUnavailable, r::kOutOfDisk,
        r::kOomKilled, r::kEvicted, r::kPodLost, r::kInterrupted, r::kBuilderCrashed})
    if (reason == transient) return api::FailureClass::Transient;
  return api::FailureClass::Config;
}

}  // namespace imagebuild::telemetry
