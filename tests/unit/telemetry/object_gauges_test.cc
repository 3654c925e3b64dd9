// The text of the gauges about objects is what prometheus-cpp would have written.
#include "operator/telemetry/object_gauges.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <limits>

#include "tests/support/catch.h"

using namespace imagebuild::telemetry;
using prometheus::ClientMetric;

namespace {

using Labels = std::vector<ClientMetric::Label>;

std::string by_prometheus(const std::string& name,
                          const std::vector<std::pair<Labels, double>>& series) {
  prometheus::MetricFamily family{
      .name = name, .help = "What it is.", .type = prometheus::MetricType::Gauge, .metric = {}};
  for (const auto& [labels, value] : series) {
    ClientMetric metric;
    metric.label = labels;
    metric.gauge.value = value;
    family.metric.push_back(metric);
  }
  return prometheus::TextSerializer().Serialize({family});
}

std::string by_us(const std::string& name, const std::vector<std::pair<Labels, double>>& series) {
  GaugeText gauge(name, "What it is.");
  for (const auto& [labels, value] : series) {
    std::string text;
    for (const auto& label : labels) append_label(text, label.name, label.value);
    gauge.add(text, value);
  }
  return gauge.text();
}

/// Every series of `text`, without the values: "name{labels}".
std::size_t count_series(const std::string& text, const std::string& name) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find("\n" + name + "{", at)) != std::string::npos; ++at)
    ++count;
  return count;
}

}  // namespace

TEST_CASE("values are written as prometheus-cpp writes them") {
  std::vector<std::pair<Labels, double>> series;
  for (double value : {0.0,
                       -0.0,
                       1.0,
                       -1.0,
                       0.1,
                       1.0 / 3,
                       42.5,
                       191260262.0,
                       1790000000.0,
                       1790000000.125,
                       999999999999999.0,
                       1e15,
                       1234567890123456.0,
                       12345678901234567.0,
                       1e16,
                       1e21,
                       1.5e-7,
                       9007199254740993.0,
                       18446744073709551615.0,
                       std::numeric_limits<double>::max(),
                       std::numeric_limits<double>::denorm_min(),
                       std::numeric_limits<double>::infinity(),
                       -std::numeric_limits<double>::infinity(),
                       std::nan("")})
    series.push_back({{{"namespace", "shop"}}, value});
  CHECK(by_us("x_bytes", series) == by_prometheus("x_bytes", series));
}

TEST_CASE("labels are escaped as prometheus-cpp escapes them") {
  const std::vector<std::pair<Labels, double>> series = {
      {{{"namespace", "shop"}, {"imagebuild", "web"}, {"origin", "own"}}, 1},
      {{{"image", "a\"b\\c\nd"}}, 2},
      {{{"image", ""}}, 3},
      {{{"image", "registry.acme.io:5000/größe"}}, 4},
      {{{"image", "\\\\\"\"\n\n\t\r"}}, 5}};
  CHECK(by_us("x", series) == by_prometheus("x", series));
  CHECK(by_us("x", {}) == by_prometheus("x", {}));
}

TEST_CASE("an object with everything has every series, and its extra labels are last") {
  ObjectSample sample{.name_space = "shop", .name = "web", .image = "registry.acme.io/web"};
  for (const char* platform : {"linux/amd64", "linux/arm64"})
    sample.platforms.push_back({.platform = platform,
                                .size_bytes = 100,
                                .uncompressed_bytes = 300,
                                .base_bytes = 60,
                                .own_bytes = 40,
                                .largest_layer_bytes = 50,
                                .layers = 7,
                                .wasted_bytes = 5,
                                .growth_bytes = 9,
                                .growth_line = 14,
                                .largest_layers = {{.index = 3, .own = true, .size_bytes = 50}}});
  sample.baseline = BaselineSample{.size_bytes = 90, .own_bytes = 30, .base_bytes = 60};
  sample.budget_bytes = 200;
  sample.last_success = 1790000000.5;
  sample.ready = true;
  sample.up_to_date = true;
  ObjectGauges gauges;
  gauges.add(sample);
  gauges.add_counts("imagebuild_builds_running", "Builds.", {{"shop", 2}});
  std::string text = "before\n";
  gauges.append_to(text);
  const std::pair<const char*, std::size_t> rows[] = {
      {"imagebuild_image_size_bytes", 2},
      {"imagebuild_image_uncompressed_size_bytes", 2},
      {"imagebuild_image_origin_size_bytes", 4},
      {"imagebuild_image_layers", 2},
      {"imagebuild_image_largest_layer_size_bytes", 2},
      {"imagebuild_image_baseline_size_bytes", 2},
      {"imagebuild_image_baseline_origin_size_bytes", 4},
      {"imagebuild_image_wasted_bytes", 2},
      {"imagebuild_image_largest_growth_bytes", 2},
      {"imagebuild_layer_size_bytes", 2},
      {"imagebuild_image_size_budget_bytes", 1},
      {"imagebuild_last_success_timestamp_seconds", 1},
      {"imagebuild_ready", 1},
      {"imagebuild_suspended", 1},
      {"imagebuild_up_to_date", 1},
      {"imagebuild_info", 1},
      {"imagebuild_builds_running", 1}};
  for (const auto& [name, count] : rows) {
    CAPTURE(name);
    CHECK(count_series(text, name) == count);
    CHECK(text.find(std::string("# TYPE ") + name + " gauge\n") != std::string::npos);
  }
  for (
      const char* line :
      {R"(imagebuild_layer_size_bytes{namespace="shop",imagebuild="web",platform="linux/arm64",layer="03",origin="own"} 50)",
       R"(imagebuild_image_largest_growth_bytes{namespace="shop",imagebuild="web",platform="linux/amd64",line="14"} 9)",
       R"(imagebuild_last_success_timestamp_seconds{namespace="shop",imagebuild="web"} 1790000000.5)",
       R"(imagebuild_suspended{namespace="shop",imagebuild="web"} 0)"})
    CHECK(text.find(std::string(line) + "\n") != std::string::npos);
}
