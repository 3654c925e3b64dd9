#include "builder/summary.h"

#include <algorithm>
#include <cstdio>

#include "common/base/byte_size.h"

namespace imagebuild {
namespace {

std::string padded_left(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

std::string render_layers(const contract::PlatformReport& platform) {
  std::string out = "       SIZE  UNPACKED  FROM  LINE  CREATED BY\n";
  for (const auto& layer : platform.layers) {
    bool own = layer.origin == contract::LayerOrigin::Own;
    std::string created_by = layer.created_by.substr(0, layer.created_by.find('\n'));
    out += padded_left(format_bytes(layer.size_bytes), 11) +
           padded_left(format_bytes(layer.uncompressed_bytes), 10) + (own ? "  own " : "  base") +
           padded_left(layer.line > 0 ? std::to_string(layer.line) : "-", 6) + "  " +
           api::clip_back(created_by, 60) + "\n";
  }
  return out;
}

std::string render_waste(const contract::PlatformReport& platform) {
  if (!platform.waste_is_known) return "";
  std::string out = "waste  " + format_bytes(platform.wasted_bytes) +
                    " unpacked that later layers overwrite or remove\n";
  for (const auto& advice : platform.advice)
    out += "advice " + (advice.line > 0 ? "line " + std::to_string(advice.line) + ": " : "") +
           advice.message + "\n";
  return out;
}

std::string render_failure(const api::Failure& failure) {
  std::string out = "error: " + api::told(failure) + " (" + failure.reason + ")\n";
  if (failure.log_tail.empty()) return out;
  out += "last output:\n";
  std::string_view rest = failure.log_tail;
  while (!rest.empty()) {
    auto end = rest.find('\n');
    out += "  | " + std::string(rest.substr(0, end)) + "\n";
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

std::string render_summary(const contract::BuildReport& report) {
  // An image over its budget exists: its layers say what to change.
  std::string out = report.failure ? render_failure(*report.failure) : "";
  if (report.failure && report.result != contract::BuildResult::OverBudget) return out;
  for (const auto& platform : report.platforms) {
    out += "image  " + platform.digest + " (" + platform.platform + ")\n";
    out += "size   " + format_bytes(platform.size_bytes) + " compressed (base " +
           format_bytes(platform.size_bytes - platform.own_size_bytes) + ", own " +
           format_bytes(platform.own_size_bytes) + "), " +
           format_bytes(platform.uncompressed_bytes) + " unpacked, " +
           std::to_string(platform.layer_count) + " layers\n";
    out += render_layers(platform);
    out += render_waste(platform);
  }
  char times[200];
  std::snprintf(times, sizeof times,
                "time   %.1f s (pull %.1f, run %.1f, push %.1f), peak memory %s\n",
                report.phases.total, report.phases.pull, report.phases.run, report.phases.push,
                format_bytes(report.peak_memory_bytes).c_str());
  return out + times;
}

int exit_status(const contract::BuildReport& report) {
  if (!report.failure) return 0;
  switch (report.failure->failure_class) {
    case api::FailureClass::Terminal:
      return 1;
    case api::FailureClass::Config:
      return 3;
    case api::FailureClass::Transient:
      return 4;
  }
  return 1;
}

}  // namespace imagebuild
