// The gauges about ImageBuilds, written anew for every scrape. As text at once, in the form that
// prometheus-cpp's serialiser gives the registered metrics: with 10,000 objects there are 170,000
// series, and a value of labels for each of them would be most of a scrape.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operator/telemetry/metrics.h"

namespace imagebuild::telemetry {

/// The series of one gauge in the text exposition format, behind its HELP and TYPE.
class GaugeText {
 public:
  GaugeText(std::string_view name, std::string_view help);
  /// `labels`: append_label()'s, separated by commas.
  void add(std::string_view labels, double value);
  const std::string& text() const { return text_; }

 private:
  std::string name_, text_;
};

/// Appends `name="value"` with the value escaped, behind a comma if there is something already.
void append_label(std::string& labels, std::string_view name, std::string_view value);

class ObjectGauges {
 public:
  ObjectGauges();
  void add(const ObjectSample& sample);
  void add_counts(const char* name, const char* help, const std::vector<NamespaceCount>& counts);
  /// Every gauge's series, appended to `text`.
  void append_to(std::string& text) const;

 private:
  void add_platform(const ObjectSample& sample, const PlatformSample& platform,
                    const std::string& object);

  std::vector<GaugeText> gauges_;
};

/// The class a reason usually has: which counters exist from the start.
api::FailureClass natural_class(std::string_view reason);

}  // namespace imagebuild::telemetry
