// The builder pod's log for people: waits for the pod, follows it to its end, leaves out the lines
// that are meant for the operator.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/session.h"
#include "plugin/waiting.h"

namespace imagebuild::plugin {

/// A line of the report that the builder hands to the operator through its log.
bool is_report_line(std::string_view line);

/// Why a pod has not started, in a line: "Unschedulable: 0/3 nodes are available"; "" for a pod
/// that has.
std::string why_pending(const Json& pod);

/// Prints the log of a pod. Follows: waits until it runs, and returns when it has ended or is gone.
/// Otherwise NotFound when there is no such pod, InvalidInput when it has not started.
Result<void> print_log(Session& session, const std::string& pod, bool follow,
                       std::optional<std::int64_t> tail_lines = std::nullopt);

/// Waits for the goal, with the log of every build on the way when `follow` is set; prints the
/// outcome and returns the exit status.
Result<int> watch_build(Session& session, const std::string& name, const Goal& goal, bool follow);

}  // namespace imagebuild::plugin
