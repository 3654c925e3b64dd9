// The report of isolation.h for people and for programs. Pure.
#include "builder/sandbox/isolation.h"

namespace imagebuild {
namespace {

std::string padded(std::string_view text, std::size_t width) {
  std::string result(text);
  result.resize(std::max(width, result.size()), ' ');
  return result;
}

std::string ranges_text(const IdRanges& ranges) {
  std::string text;
  for (const IdRange& range : ranges) {
    if (!text.empty()) text += ", ";
    text += std::to_string(range.inside) + ".." + std::to_string(range.inside + range.count - 1) +
            " = " + std::to_string(range.outside) + ".." +
            std::to_string(range.outside + (range.count - 1));
  }
  return text;
}

Json ranges_json(const IdRanges& ranges) {
  Json list = Json::array();
  for (const IdRange& range : ranges) {
    list.push_back({{"inside", range.inside}, {"outside", range.outside}, {"count", range.count}});
  }
  return list;
}

}  // namespace

std::string render_isolation(const IsolationReport& report) {
  std::string text;
  for (const ModeReport& mode : report.modes) {
    text += padded(to_string(mode.mode), 16) + padded(mode.available ? "works" : "no", 7) +
            mode.detail + "\n";
    if (!mode.hint.empty()) text += std::string(23, ' ') + "to change that: " + mode.hint + "\n";
  }
  if (report.ids) {
    text += padded("ids", 16) + "uid " + ranges_text(report.ids->uids) + "; gid " +
            ranges_text(report.ids->gids) + " (inside = outside)\n";
  }
  for (const std::string& note : report.notes) text += padded("note", 16) + note + "\n";
  return text;
}

Json isolation_to_json(const IsolationReport& report) {
  Json modes = Json::array();
  for (const ModeReport& mode : report.modes) {
    Json entry{
        {"mode", to_string(mode.mode)}, {"available", mode.available}, {"detail", mode.detail}};
    if (!mode.hint.empty()) entry["hint"] = mode.hint;
    modes.push_back(std::move(entry));
  }
  Json json{{"modes", std::move(modes)}, {"notes", report.notes}};
  if (report.ids) {
    json["ids"] = {{"method", to_string(report.ids->method)},
                   {"uid", ranges_json(report.ids->uids)},
                   {"gid", ranges_json(report.ids->gids)}};
  }
  if (report.proc) json["proc"] = *report.proc == ProcMount::Fresh ? "fresh" : "bound";
  return json;
}

}  // namespace imagebuild
