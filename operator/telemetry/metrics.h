// The operator's metrics. Gauges about objects are computed at scrape time from the informer's
// cache, so the series of deleted objects cannot leak and every replica serves the same; counters
// exist from the start, at 0, for every value of their closed labels. Only gauges carry identity
// labels; nothing ever carries a digest, tag, revision or pod.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "operator/telemetry/build_observer.h"

namespace imagebuild::telemetry {

struct PlatformSample {
  std::string platform;
  std::uint64_t size_bytes = 0, uncompressed_bytes = 0, base_bytes = 0, own_bytes = 0,
                largest_layer_bytes = 0;
  int layers = 0;
  std::optional<std::uint64_t> wasted_bytes;
  /// The layer that grew most over the image before; its line is 0 for a layer of the base.
  std::uint64_t growth_bytes = 0;
  int growth_line = 0;
  struct Layer {
    std::size_t index = 0;
    bool own = false;
    std::uint64_t size_bytes = 0;
  };
  std::vector<Layer> largest_layers;  ///< empty unless they are exported
};

struct BaselineSample {
  std::uint64_t size_bytes = 0, own_bytes = 0, base_bytes = 0;
};

/// One ImageBuild as the gauges see it.
struct ObjectSample {
  std::string name_space, name, image;  ///< image: the repository
  std::vector<PlatformSample> platforms;
  std::optional<BaselineSample> baseline;
  std::optional<std::uint64_t> budget_bytes;
  std::optional<double> last_success;  ///< seconds since 1970
  bool ready = false, suspended = false;
  std::optional<bool> up_to_date;  ///< none: not known
};

struct NamespaceCount {
  std::string name_space;
  int count = 0;
};

/// Everything that is looked at when somebody scrapes.
struct Sources {
  std::function<void(const std::function<void(const ObjectSample&)>& visit)> objects;
  std::function<std::vector<NamespaceCount>()> running, queued;
};

class Metrics final : public BuildObserver {
 public:
  Metrics(std::string version, std::string revision);
  ~Metrics() override;

  void set_sources(Sources sources);

  void build_finished(const BuildOutcome& outcome) override;
  void build_waited(double seconds) override;

  // For the runtime's hooks, with controller-runtime's names. `result`: success,
  // requeue_after, error, terminal.
  void reconciled(std::string_view result, double seconds);
  void workers_active(int count);
  void queue_added(std::size_t depth);
  void queue_started(std::size_t depth, double waited_seconds);
  void queue_finished(double worked_seconds);
  void queue_retried();
  void api_response(std::string_view method, int code);
  void leading(bool leader);

  /// The text exposition format.
  std::string scrape() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace imagebuild::telemetry
