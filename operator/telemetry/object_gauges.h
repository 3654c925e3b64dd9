// The gauges about ImageBuilds, built anew for every scrape.
#pragma once

#include <prometheus/metric_family.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "operator/telemetry/metrics.h"

namespace imagebuild::telemetry {

class ObjectGauges {
 public:
  ObjectGauges();
  void add(const ObjectSample& sample);
  void add_counts(const char* name, const char* help, const std::vector<NamespaceCount>& counts);
  std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

/// The class a reason usually has: which counters exist from the start.
api::FailureClass natural_class(std::string_view reason);

}  // namespace imagebuild::telemetry
