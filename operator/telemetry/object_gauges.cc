#include "operator/telemetry/object_gauges.h"

#include <charconv>
#include <cmath>

namespace imagebuild::telemetry {
namespace {

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

// Sixteen digits, as the serialiser of the registered metrics writes. Sizes are whole numbers.
void append_value(std::string& text, double value) {
  char digits[32];
  std::to_chars_result end{};
  if (!std::isfinite(value)) {
    text += std::isnan(value) ? "Nan" : value < 0 ? "-Inf" : "+Inf";
    return;
  }
  if (value >= 1 && value < 1e15 && value == std::trunc(value))
    end = std::to_chars(std::begin(digits), std::end(digits), static_cast<std::int64_t>(value));
  else
    end =
        std::to_chars(std::begin(digits), std::end(digits), value, std::chars_format::general, 16);
  text.append(digits, end.ptr);
}

std::string with(std::string labels, std::string_view name, std::string_view value) {
  append_label(labels, name, value);
  return labels;
}

/// "07": label values that sort.
std::string two_digits(std::size_t index) {
  return (index < 10 ? "0" : "") + std::to_string(index);
}

}  // namespace

GaugeText::GaugeText(std::string_view name, std::string_view help) : name_(name) {
  text_.append("# HELP ").append(name_).append(" ").append(help);
  text_.append("\n# TYPE ").append(name_).append(" gauge\n");
}

void GaugeText::add(std::string_view labels, double value) {
  text_.append(name_).append("{").append(labels).append("} ");
  append_value(text_, value);
  text_.push_back('\n');
}

void append_label(std::string& labels, std::string_view name, std::string_view value) {
  if (!labels.empty()) labels.push_back(',');
  labels.append(name).append("=\"");
  for (char c : value) {
    if (c == '\\' || c == '"' || c == '\n') labels.push_back('\\');
    labels.push_back(c == '\n' ? 'n' : c);
  }
  labels.push_back('"');
}

ObjectGauges::ObjectGauges() {
  for (const auto& entry : kGauges) gauges_.emplace_back(entry.name, entry.help);
}

void ObjectGauges::add(const ObjectSample& sample) {
  std::string object;
  append_label(object, "namespace", sample.name_space);
  append_label(object, "imagebuild", sample.name);
  for (const PlatformSample& platform : sample.platforms) add_platform(sample, platform, object);
  if (sample.budget_bytes) gauges_[kBudget].add(object, static_cast<double>(*sample.budget_bytes));
  if (sample.last_success) gauges_[kLastSuccess].add(object, *sample.last_success);
  gauges_[kReady].add(object, sample.ready);
  gauges_[kSuspended].add(object, sample.suspended);
  if (sample.up_to_date) gauges_[kUpToDate].add(object, *sample.up_to_date);
  gauges_[kInfo].add(with(object, "image", sample.image), 1);
}

void ObjectGauges::add_platform(const ObjectSample& sample, const PlatformSample& platform,
                                const std::string& object) {
  const std::string labels = with(object, "platform", platform.platform);
  const std::string base = with(labels, "origin", "base"), own = with(labels, "origin", "own");
  auto put = [&](Gauge which, std::uint64_t bytes, const std::string& of) {
    gauges_[which].add(of, static_cast<double>(bytes));
  };
  put(kSize, platform.size_bytes, labels);
  put(kUncompressed, platform.uncompressed_bytes, labels);
  put(kOrigin, platform.base_bytes, base);
  put(kOrigin, platform.own_bytes, own);
  gauges_[kLayers].add(labels, platform.layers);
  put(kLargest, platform.largest_layer_bytes, labels);
  if (platform.wasted_bytes) put(kWasted, *platform.wasted_bytes, labels);
  if (platform.growth_bytes > 0)
    put(kGrowth, platform.growth_bytes, with(labels, "line", std::to_string(platform.growth_line)));
  for (const PlatformSample::Layer& layer : platform.largest_layers)
    put(kLayer, layer.size_bytes,
        with(with(labels, "layer", two_digits(layer.index)), "origin", layer.own ? "own" : "base"));
  if (!sample.baseline) return;
  put(kBaseline, sample.baseline->size_bytes, labels);
  put(kBaselineOrigin, sample.baseline->base_bytes, base);
  put(kBaselineOrigin, sample.baseline->own_bytes, own);
}

void ObjectGauges::add_counts(const char* name, const char* help,
                              const std::vector<NamespaceCount>& counts) {
  GaugeText& gauge = gauges_.emplace_back(name, help);
  for (const NamespaceCount& count : counts)
    gauge.add(with("", "namespace", count.name_space), count.count);
}

void ObjectGauges::append_to(std::string& text) const {
  std::size_t size = text.size();
  for (const GaugeText& gauge : gauges_) size += gauge.text().size();
  text.reserve(size);
  for (const GaugeText& gauge : gauges_) text += gauge.text();
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
