// The tables of a report, which no termination message can hold: layers, largest
// paths, advice. They travel as parts, each the JSON text of {"platform", TABLE:
// [rows…]}; a table may take several.
#pragma once

#include <string>
#include <vector>

#include "common/base/json.h"
#include "common/base/result.h"
#include "common/contract/build_report.h"

namespace imagebuild::contract {

inline constexpr int kMaxParts = 64;

/// {"layers": […], "largestPaths": […], "advice": […]}.
Json tables_to_json(const PlatformReport& platform);

/// Each fits a framed line. A platform whose layers do not fit into kMaxParts goes without them: half
/// a list would name the wrong layer as the largest. The status counts what it does not list.
std::vector<std::string> table_parts(const BuildReport& report);

/// Replaces the platforms' tables by what the parts hold.
Result<void> read_table_parts(const std::vector<std::string>& parts,
                              std::vector<PlatformReport>& platforms);

}  // namespace imagebuild::contract
