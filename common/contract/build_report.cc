#include "common/contract/build_report.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "common/base/sha256.h"
#include "common/contract/report_json.h"
#include "common/contract/report_tables.h"

namespace imagebuild::contract {
namespace {

constexpr std::size_t kMaxLogTail = 1536;

double seconds_at(const Json& object, const char* field) {
  auto it = object.find(field);
  return it != object.end() && it->is_number() ? it->get<double>() : 0;
}
std::vector<std::string> texts_at(const Json& object, const char* field) {
  std::vector<std::string> result;
  auto it = object.find(field);
  if (it == object.end() || !it->is_array()) return result;
  for (const Json& item : *it)
    if (item.is_string()) result.push_back(item.get<std::string>());
  return result;
}

Json platform_to_json(const PlatformReport& platform) {
  Json result = {{"platform", api::clip_back(platform.platform, 64)},
                 {"digest", platform.digest},
                 {"sizeBytes", platform.size_bytes},
                 {"uncompressedSizeBytes", platform.uncompressed_bytes},
                 {"ownSizeBytes", platform.own_size_bytes},
                 {"ownUncompressedSizeBytes", platform.own_uncompressed_bytes},
                 {"largestLayerBytes", platform.largest_layer_bytes},
                 {"layerCount", platform.layer_count}};
  if (platform.waste_is_known) result["wastedBytes"] = platform.wasted_bytes;
  return result;
}

PlatformReport platform_from_json(const Json& value) {
  return {.platform = string_at(value, {"platform"}),
          .digest = string_at(value, {"digest"}),
          .size_bytes = unsigned_at(value, "sizeBytes"),
          .uncompressed_bytes = unsigned_at(value, "uncompressedSizeBytes"),
          .own_size_bytes = unsigned_at(value, "ownSizeBytes"),
          .own_uncompressed_bytes = unsigned_at(value, "ownUncompressedSizeBytes"),
          .largest_layer_bytes = unsigned_at(value, "largestLayerBytes"),
          .layer_count = int_at(value, "layerCount"),
          .waste_is_known = value.contains("wastedBytes"),
          .wasted_bytes = unsigned_at(value, "wastedBytes"),
          .layers = {},
          .largest_paths = {},
          .advice = {}};
}

Json inputs_to_json(const ReportInputs& inputs) {
  Json result = Json::object();
  put(result, "commit", inputs.commit);
  put(result, "revision", inputs.revision);
  put(result, "tree", inputs.tree);
  for (const Base& base : inputs.bases)
    result["bases"].push_back(
        {{"ref", base.ref}, {"platform", base.platform}, {"digest", base.digest}});
  return result;
}

ReportInputs inputs_from_json(const Json& value) {
  ReportInputs inputs{.commit = string_at(value, {"commit"}),
                      .revision = string_at(value, {"revision"}),
                      .tree = string_at(value, {"tree"}),
                      .bases = {}};
  if (const Json* bases = find_path(value, {"bases"}); bases != nullptr && bases->is_array())
    for (const Json& base : *bases)
      inputs.bases.push_back(
          {string_at(base, {"ref"}), string_at(base, {"platform"}), string_at(base, {"digest"})});
  return inputs;
}

double rounded(double seconds) {
  return std::max(0.0, static_cast<double>(static_cast<std::int64_t>(seconds * 1000 + 0.5)) / 1000);
}

Json phases_to_json(const Phases& phases) {
  return {{"pull", rounded(phases.pull)},
          {"context", rounded(phases.context)},
          {"run", rounded(phases.run)},
          {"push", rounded(phases.push)},
          {"total", rounded(phases.total)}};
}

/// Everything but layers, log parts and hash.
Json summary_to_json(const BuildReport& report) {
  if (report.state == ReportState::Running) {
    Json running = {{"state", "Running"}};
    put(running, "stage", report.stage);
    put(running, "line", static_cast<std::uint64_t>(std::max(report.line, 0)));
    put(running, "step", report.step);
    return running;
  }
  Json result = {{"state", "Done"}, {"result", to_string(report.result)}};
  if (report.failure) result["failure"] = api::failure_to_json(*report.failure);
  put(result, "digest", report.digest);
  if (!report.tags.empty()) result["tags"] = report.tags;
  for (const PlatformReport& platform : report.platforms)
    result["platforms"].push_back(platform_to_json(platform));
  if (Json inputs = inputs_to_json(report.inputs); !inputs.empty()) result["inputs"] = inputs;
  result["phases"] = phases_to_json(report.phases);
  put(result, "pushedBytes", report.pushed_bytes);
  put(result, "skippedBytes", report.skipped_bytes);
  put(result, "cacheHits", report.cache_hits);
  put(result, "cacheMisses", report.cache_misses);
  put(result, "peakMemoryBytes", report.peak_memory_bytes);
  put(result, "isolation", report.isolation);
  return result;
}

std::string hash_of_parts(const std::vector<std::string>& parts) {
  Sha256 hash;
  for (const std::string& part : parts) hash.update_part(part);
  return hash.finish_hex();
}

/// A copy in which no text is longer than the termination message can bear.
BuildReport clipped(const BuildReport& report, std::size_t log_tail, std::size_t text,
                    std::size_t items) {
  BuildReport result = report;
  result.stage = api::clip_back(report.stage, std::min<std::size_t>(text, 128));
  result.step = api::clip_back(report.step, std::min<std::size_t>(text, 160));
  result.digest = api::clip_back(report.digest, 80);
  result.isolation = api::clip_back(report.isolation, 32);
  result.inputs.commit = api::clip_back(report.inputs.commit, 64);
  result.inputs.tree = api::clip_back(report.inputs.tree, 80);
  result.inputs.revision = api::clip_back(report.inputs.revision, text);
  if (result.inputs.bases.size() > items) result.inputs.bases.resize(items);
  for (Base& base : result.inputs.bases)
    base = {api::clip_back(base.ref, text), api::clip_back(base.platform, 32),
            api::clip_back(base.digest, 80)};
  if (result.tags.size() > items) result.tags.resize(items);
  for (std::string& tag : result.tags) tag = api::clip_back(tag, 128);
  if (result.platforms.size() > std::max<std::size_t>(items, 1))
    result.platforms.resize(std::max<std::size_t>(items, 1));
  for (PlatformReport& platform : result.platforms)
    platform.digest = api::clip_back(platform.digest, 80);
  if (result.failure) {
    result.failure->reason = api::known_reason(result.failure->reason);
    result.failure->stage = api::clip_back(result.failure->stage, std::min<std::size_t>(text, 128));
    result.failure->message = api::clip_back(result.failure->message, text);
    result.failure->log_tail = api::clip_front(result.failure->log_tail, log_tail);
  }
  return result;
}

struct Frame {
  int part = 0, parts = 0;
  std::string_view json;
};

std::optional<Frame> parse_frame(std::string_view line) {
  if (!line.starts_with(kReportFrame)) return std::nullopt;
  line.remove_prefix(kReportFrame.size());
  if (line.empty() || line[0] != ' ') return std::nullopt;
  line.remove_prefix(1);
  Frame frame;
  auto take = [&](int& number, char until) {
    auto [end, code] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (code != std::errc() || end == line.data() + line.size() || *end != until) return false;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
    return true;
  };
  if (!take(frame.part, '/') || !take(frame.parts, ' ')) return std::nullopt;
  frame.json = line;
  return frame;
}

}  // namespace

std::string_view to_string(BuildResult result) {
  switch (result) {
    case BuildResult::Success:
      return "Success";
    case BuildResult::Unchanged:
      return "Unchanged";
    case BuildResult::OverBudget:
      return "OverBudget";
    case BuildResult::Failure:
      return "Failure";
    case BuildResult::Canceled:
      return "Canceled";
    case BuildResult::Superseded:
      return "Superseded";
  }
  return "Failure";
}

BuildResult build_result_from(std::string_view text) {
  for (BuildResult result : {BuildResult::Success, BuildResult::Unchanged, BuildResult::OverBudget,
                             BuildResult::Canceled, BuildResult::Superseded})
    if (text == to_string(result)) return result;
  return BuildResult::Failure;
}

void PlatformReport::sum_layers() {
  size_bytes = uncompressed_bytes = own_size_bytes = own_uncompressed_bytes = largest_layer_bytes =
      0;
  layer_count = static_cast<int>(layers.size());
  for (const LayerReport& layer : layers) {
    size_bytes += layer.size_bytes;
    uncompressed_bytes += layer.uncompressed_bytes;
    largest_layer_bytes = std::max(largest_layer_bytes, layer.size_bytes);
    if (layer.origin != LayerOrigin::Own) continue;
    own_size_bytes += layer.size_bytes;
    own_uncompressed_bytes += layer.uncompressed_bytes;
  }
}

const PlatformReport* BuildReport::largest_platform() const {
  auto smaller = [](const auto& a, const auto& b) { return a.size_bytes < b.size_bytes; };
  auto found = std::max_element(platforms.begin(), platforms.end(), smaller);
  return found == platforms.end() ? nullptr : &*found;
}

std::vector<std::string> report_lines(const BuildReport& report) {
  std::vector<std::string> lines;
  const auto parts = table_parts(report);
  for (std::size_t i = 0; i < parts.size(); ++i)
    lines.push_back(std::string(kReportFrame) + " " + std::to_string(i + 1) + "/" +
                    std::to_string(parts.size()) + " " + parts[i]);
  return lines;
}

std::string termination_message(const BuildReport& report) {
  const auto parts = table_parts(report);
  struct Cut {
    std::size_t log_tail, text, items;
  };
  // From the mildest to one that always fits: JSON may take six bytes for one of ours.
  for (Cut cut : {Cut{kMaxLogTail, 512, 8}, Cut{1024, 512, 8}, Cut{768, 384, 8}, Cut{512, 256, 8},
                  Cut{256, 128, 4}, Cut{128, 96, 2}, Cut{0, 32, 1}, Cut{0, 0, 0}}) {
    Json message = summary_to_json(clipped(report, cut.log_tail, cut.text, cut.items));
    if (!parts.empty()) {
      message["logParts"] = parts.size();
      message["layersHash"] = hash_of_parts(parts);
    }
    std::string text = dump_json(message);
    if (text.size() <= kTerminationLimit) return text;
  }
  return R"({"state":"Done","result":"Failure","failure":{"class":"Terminal","reason":"BuilderCrashed","message":"the report does not fit"}})";
}

Json report_to_json(const BuildReport& report) {
  Json result = summary_to_json(report);
  for (std::size_t i = 0; i < report.platforms.size(); ++i)
    result["platforms"][i].update(tables_to_json(report.platforms[i]));
  return result;
}

Result<BuildReport> parse_termination_message(std::string_view text) {
  Json message = TRY_CONTEXT(parse_json(text), "termination message");
  if (!message.is_object())
    return fail(ErrorKind::InvalidInput, "termination message: not an object");
  BuildReport report;
  const std::string state = string_at(message, {"state"});
  if (state != "Running" && state != "Done")
    return fail(ErrorKind::InvalidInput, "termination message: no state");
  report.state = state == "Running" ? ReportState::Running : ReportState::Done;
  report.stage = string_at(message, {"stage"});
  report.line = int_at(message, "line");
  report.step = string_at(message, {"step"});
  report.result = build_result_from(string_at(message, {"result"}));
  if (auto it = message.find("failure"); it != message.end())
    report.failure = api::failure_from_json(*it);
  report.digest = string_at(message, {"digest"});
  report.tags = texts_at(message, "tags");
  if (auto it = message.find("platforms"); it != message.end() && it->is_array())
    for (const Json& platform : *it)
      if (platform.is_object()) report.platforms.push_back(platform_from_json(platform));
  if (auto it = message.find("inputs"); it != message.end()) report.inputs = inputs_from_json(*it);
  if (auto it = message.find("phases"); it != message.end() && it->is_object())
    report.phases = {seconds_at(*it, "pull"), seconds_at(*it, "context"), seconds_at(*it, "run"),
                     seconds_at(*it, "push"), seconds_at(*it, "total")};
  report.pushed_bytes = unsigned_at(message, "pushedBytes");
  report.skipped_bytes = unsigned_at(message, "skippedBytes");
  report.cache_hits = unsigned_at(message, "cacheHits");
  report.cache_misses = unsigned_at(message, "cacheMisses");
  report.peak_memory_bytes = unsigned_at(message, "peakMemoryBytes");
  report.isolation = string_at(message, {"isolation"});
  report.log_parts = std::min(int_at(message, "logParts"), kMaxParts);
  report.layers_hash = string_at(message, {"layersHash"});
  return report;
}

Result<void> attach_layers(BuildReport& report, std::string_view log_tail) {
  if (report.log_parts == 0) return {};
  std::vector<std::string> parts(static_cast<std::size_t>(report.log_parts));
  std::set<int> seen;
  while (!log_tail.empty()) {
    std::size_t end = std::min(log_tail.find('\n'), log_tail.size());
    if (auto frame = parse_frame(log_tail.substr(0, end));
        frame && frame->parts == report.log_parts && frame->part >= 1 &&
        frame->part <= frame->parts) {
      parts[static_cast<std::size_t>(frame->part) - 1] = std::string(frame->json);
      seen.insert(frame->part);
    }
    log_tail.remove_prefix(std::min(end + 1, log_tail.size()));
  }
  if (static_cast<int>(seen.size()) != report.log_parts)
    return fail(ErrorKind::InvalidInput, "the layer table is incomplete in the log");
  if (hash_of_parts(parts) != report.layers_hash)
    return fail(ErrorKind::InvalidInput,
                "the layer table in the log is not the one the builder wrote");
  TRY(read_table_parts(parts, report.platforms));
  return {};
}

}  // namespace imagebuild::contract
