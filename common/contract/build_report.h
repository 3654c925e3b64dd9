// BuildReport: what a build did, builder → operator, by two channels that cannot be forged by RUN.
//
// The termination message (at most 4096 bytes, of which the kubelet keeps the last 4096)
// has everything but the layer tables. Those are the last lines of the builder's own
// output, framed "imagebuild-report/v1 <part>/<parts> <json>", each at most 4 KiB; the
// termination message holds their number and hash. While the build runs, the same file
// holds {"state":"Running","stage","line","step"}, so that a kill from outside is
// reported with the step it hit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/failure.h"
#include "common/api/image.h"
#include "common/base/json.h"
#include "common/base/result.h"
#include "common/contract/build_request.h"

namespace imagebuild::contract {

inline constexpr std::size_t kTerminationLimit = 4096;
inline constexpr std::size_t kReportLineLimit = 4096;  ///< without the newline
inline constexpr std::string_view kReportFrame = "imagebuild-report/v1";

enum class ReportState { Running, Done };
/// OverBudget: the image is in the registry by digest, its tags were not moved.
enum class BuildResult { Success, Unchanged, OverBudget, Failure, Canceled, Superseded };
std::string_view to_string(BuildResult result);
/// Failure for text that is none of them.
BuildResult build_result_from(std::string_view text);

enum class LayerOrigin { Base, Own };

struct LayerReport {
  std::string digest;            ///< "sha256:…"
  std::uint64_t size_bytes = 0;  ///< compressed, as in the manifest
  std::uint64_t uncompressed_bytes = 0;
  LayerOrigin origin = LayerOrigin::Own;
  int line = 0;                    ///< Dockerfile line of an own layer; 0: none
  std::string created_by;          ///< the instruction; at most 96 bytes survive
  std::uint64_t wasted_bytes = 0;  ///< of files, uncompressed, that later layers hide
};

/// Sums are over the platform's image; `layers` is bottom first and may be longer than what
/// survives a channel.
struct PlatformReport {
  std::string platform;  ///< "linux/amd64"
  std::string digest;    ///< of the manifest
  std::uint64_t size_bytes = 0, uncompressed_bytes = 0;
  std::uint64_t own_size_bytes = 0, own_uncompressed_bytes = 0;
  std::uint64_t largest_layer_bytes = 0;  ///< compressed
  int layer_count = 0;
  bool waste_is_known = false;  ///< the layers were looked at together; else 0 says nothing
  std::uint64_t wasted_bytes = 0;
  std::vector<LayerReport> layers;
  std::vector<api::ImagePath> largest_paths;  ///< largest first
  std::vector<api::ImageAdvice> advice;       ///< most bytes first

  /// Fills the sums from `layers`.
  void sum_layers();
};

/// What was really used.
struct ReportInputs {
  std::string commit;
  std::string revision;  ///< "main@sha1:1a2b…"
  std::string tree;      ///< content id of the context below `path`
  std::vector<Base> bases;
};

/// Seconds.
struct Phases {
  double pull = 0, context = 0, run = 0, push = 0, total = 0;
};

struct BuildReport {
  ReportState state = ReportState::Done;
  BuildResult result = BuildResult::Success;
  // While running, and where a failure hit:
  std::string stage;
  int line = 0;
  std::string step;  ///< "7/12 RUN npm ci"

  std::optional<api::Failure> failure;  ///< result Failure, Canceled or OverBudget
  std::string digest;                   ///< what was pushed
  std::vector<std::string> tags;        ///< pushed tags, the immutable one first
  std::vector<PlatformReport> platforms;
  ReportInputs inputs;
  Phases phases;
  std::uint64_t pushed_bytes = 0, skipped_bytes = 0;
  std::uint64_t cache_hits = 0, cache_misses = 0;
  std::uint64_t peak_memory_bytes = 0;
  std::string isolation;  ///< "overlay"

  /// The platform whose size counts, the first of equals; nullptr when there is none.
  const PlatformReport* largest_platform() const;

  // Only in a report that was read from a termination message:
  int log_parts = 0;
  std::string layers_hash;
};

/// The framed lines with the layer tables, without newlines; none if there is nothing to tell. They
/// have to be the last that the builder prints.
std::vector<std::string> report_lines(const BuildReport& report);
/// At most kTerminationLimit bytes, always valid JSON and UTF-8: long texts are cut,
/// the log tail first.
std::string termination_message(const BuildReport& report);
/// Everything, for --report; tables and texts have the bounds of the channels.
Json report_to_json(const BuildReport& report);

/// InvalidInput when it is not a termination message of ours (cut, foreign, empty).
Result<BuildReport> parse_termination_message(std::string_view text);
/// Finds the framed lines in the tail of a log, checks them against report.layers_hash and fills
/// the layers in. InvalidInput when a part is missing or was changed; the report is untouched then.
Result<void> attach_layers(BuildReport& report, std::string_view log_tail);

}  // namespace imagebuild::contract
