// How long a scrape of many ImageBuilds takes, and how long the text is.
//   scrape_bench [OBJECTS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "operator/telemetry/endpoints.h"
#include "operator/telemetry/metrics.h"

using namespace imagebuild::telemetry;

namespace {

ObjectSample object(int number) {
  const auto size = 100'000'000u + static_cast<unsigned>(number);
  ObjectSample sample{.name_space = "team-" + std::to_string(number % 50),
                      .name = "service-" + std::to_string(number),
                      .image = "registry.example.com/team/service-" + std::to_string(number)};
  sample.platforms = {{.platform = "linux/amd64",
                       .size_bytes = size,
                       .uncompressed_bytes = size * 3,
                       .base_bytes = size / 2,
                       .own_bytes = size / 2,
                       .largest_layer_bytes = size / 2,
                       .layers = 12,
                       .wasted_bytes = 1'000'000,
                       .growth_bytes = 5'000,
                       .growth_line = 14,
                       .largest_layers = {}}};
  sample.baseline = BaselineSample{size, size / 2, size / 2};
  sample.budget_bytes = 300'000'000;
  sample.last_success = 1.7e9;
  sample.ready = true;
  sample.up_to_date = true;
  return sample;
}

/// Milliseconds.
template <typename F>
double best_of_7(F work) {
  double best = 1e9;
  for (int run = 0; run < 7; ++run) {
    const auto began = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    best = std::min(best, took.count());
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 10'000;
  std::vector<ObjectSample> objects;
  for (int i = 0; i < count; ++i) objects.push_back(object(i));
  Metrics metrics("bench", "bench");
  Sources sources;
  sources.objects = [&](const std::function<void(const ObjectSample&)>& visit) {
    for (const ObjectSample& each : objects) visit(each);
  };
  sources.running = sources.queued = [] { return std::vector<NamespaceCount>(); };
  metrics.set_sources(std::move(sources));
  std::string text, compressed;
  const double serialised = best_of_7([&] { text = metrics.scrape(); });
  const double zipped = best_of_7([&] { compressed = gzip(text); });
  std::printf("%d objects: %.0f ms for %.1f MB of text, %.0f ms to compress it to %.1f MB\n", count,
              serialised, static_cast<double>(text.size()) / 1e6, zipped,
              static_cast<double>(compressed.size()) / 1e6);
}
