#include <algorithm>

#include "common/base/byte_size.h"
#include "plugin/diff.h"
#include "plugin/render.h"

namespace imagebuild::plugin {
namespace {

std::string side_text(const DiffSide& side) {
  std::string text = side.image.reference.digest ? side.image.reference.digest->hex12() : "";
  if (side.build > 0) text = "build " + std::to_string(side.build) + ", " + text;
  return text + ", " + format_bytes(side.image.size_bytes) + " in " +
         count_of(side.image.layers.size(), "layer");
}

const char* word_of(LayerChange::Kind kind) {
  switch (kind) {
    case LayerChange::Kind::Same:
      return "same";
    case LayerChange::Kind::Changed:
      return "changed";
    case LayerChange::Kind::Added:
      return "added";
    case LayerChange::Kind::Removed:
      return "removed";
  }
  return "";
}

std::string line_text(int line) { return line > 0 ? std::to_string(line) : "-"; }

std::string layer_lines(const ImageDiff& diff, const Style& style) {
  std::vector<LayerChange> changed;
  std::size_t same = 0;
  std::uint64_t same_bytes = 0;
  for (const LayerChange& layer : diff.layers) {
    if (layer.kind != LayerChange::Kind::Same)
      changed.push_back(layer);
    else
      ++same, same_bytes += layer.after_bytes;
  }
  std::stable_sort(changed.begin(), changed.end(), [](const LayerChange& a, const LayerChange& b) {
    return std::abs(a.delta()) > std::abs(b.delta());
  });
  std::string text = "\n" + paint(style, Colour::Bold, "Layers (compressed)") + "\n";
  if (changed.empty()) return text + "  all are the same\n";
  text += "        DELTA LINE CHANGE        OLD        NEW  INSTRUCTION\n";
  for (const LayerChange& layer : changed)
    text += "  " + paint_delta(style, layer.delta(), pad_left(format_delta(layer.delta()), 11)) +
            " " + pad_left(line_text(layer.line), 4) + " " + pad_right(word_of(layer.kind), 7) +
            pad_left(layer.before ? format_bytes(layer.before_bytes) : "-", 11) +
            pad_left(layer.after ? format_bytes(layer.after_bytes) : "-", 11) + "  " +
            clip(style, instruction(layer.created_by), style.width - 50) + "\n";
  if (same > 0)
    text += "  " + count_of(same, "layer") + (same == 1 ? " is" : " are") + " the same (" +
            format_bytes(same_bytes) + ")\n";
  return text;
}

const char* word_of(const PathChange& change) {
  if (change.hidden) return "hidden";
  switch (change.kind) {
    case PathChange::Kind::Added:
      return "added";
    case PathChange::Kind::Removed:
      return "removed";
    case PathChange::Kind::Grew:
      return "grew";
    case PathChange::Kind::Shrank:
      return "shrank";
  }
  return "";
}

/// The Dockerfile line of the layer that has most of a change.
int line_of(const ImageDiff& diff, const PathChange& change) {
  for (const LayerChange& layer : diff.layers)
    if ((change.of_new ? layer.after : layer.before) == change.layer) return layer.line;
  return 0;
}

std::string removed_below_lines(const ImageDiff& diff, const Style& style) {
  if (diff.removed_below.empty()) return "";
  constexpr std::size_t kShown = 3;
  std::string names;
  for (std::size_t i = 0; i < std::min(kShown, diff.removed_below.size()); ++i)
    names += (i == 0 ? "" : ", ") + diff.removed_below[i];
  if (diff.removed_below.size() > kShown)
    names += " and " + std::to_string(diff.removed_below.size() - kShown) + " more";
  return wrap("The new image also removes " + names +
                  " of layers that both have: they are pulled all the same.",
              style.width, "  ");
}

std::string path_lines(const ImageDiff& diff, const Style& style) {
  if (!diff.paths) return "";
  const PathChanges& paths = *diff.paths;
  std::string text = "\n" + paint(style, Colour::Bold, "Paths (unpacked)") + "  " +
                     format_delta(paths.visible_delta) + " in the container";
  if (paths.hidden_delta != 0)
    text += ", " + format_delta(paths.hidden_delta) + " stored but hidden";
  text += "\n";
  if (paths.rows.empty() && diff.removed_below.empty()) return text + "  no file differs in size\n";
  text += "        DELTA LINE CHANGE   FILES  PATH\n";
  bool any_hidden = false;
  for (const PathChange& change : paths.rows) {
    any_hidden = any_hidden || change.hidden;
    const std::string end = change.rest ? " (the rest)" : "";
    text += "  " + paint_delta(style, change.delta, pad_left(format_delta(change.delta), 11)) +
            " " + pad_left(line_text(line_of(diff, change)), 4) + " " +
            pad_right(word_of(change), 7) + " " + pad_left(std::to_string(change.files), 7) + "  " +
            clip_front(style, change.path + end, style.width - 36) + "\n";
  }
  if (paths.more > 0)
    text += "  " + pad_left(format_delta(paths.more_delta), 11) + "      in " +
            count_of(paths.more, "smaller row") + " (--top shows more)\n";
  if (any_hidden)
    text += wrap(
        "hidden: a layer holds it, and a later layer overwrites or removes it; it is "
        "pulled all the same.",
        style.width, "  ");
  text += removed_below_lines(diff, style);
  if (diff.folded > 0)
    text += "  " + count_of(diff.folded, "path") + " beyond the limit, summed up by directory\n";
  return text;
}

Json side_to_json(const DiffSide& side) {
  Json result = {{"ref", side.image.reference.to_string()},
                 {"sizeBytes", side.image.size_bytes},
                 {"layers", side.image.layers.size()}};
  if (side.build > 0) result["build"] = side.build;
  return result;
}

}  // namespace

std::string render_diff(const ImageDiff& diff, const View& view, const Style& style) {
  const auto delta = static_cast<std::int64_t>(diff.after.image.size_bytes) -
                     static_cast<std::int64_t>(diff.before.image.size_bytes);
  return title(view, style) + fact(style, "old", side_text(diff.before)) +
         fact(style, "new", side_text(diff.after)) +
         fact(style, "difference",
              format_delta(delta) + " (" + percent(delta, diff.before.image.size_bytes) + ")") +
         layer_lines(diff, style) + path_lines(diff, style);
}

Json diff_to_json(const ImageDiff& diff) {
  Json result = {{"old", side_to_json(diff.before)}, {"new", side_to_json(diff.after)}};
  result["deltaBytes"] = static_cast<std::int64_t>(diff.after.image.size_bytes) -
                         static_cast<std::int64_t>(diff.before.image.size_bytes);
  result["layers"] = Json::array();
  for (const LayerChange& layer : diff.layers) {
    Json item = {{"change", word_of(layer.kind)}, {"instruction", instruction(layer.created_by)}};
    if (layer.line > 0) item["line"] = layer.line;
    if (layer.before)
      item["old"] = {{"digest", diff.before.image.layers[*layer.before].blob.digest.to_string()},
                     {"sizeBytes", layer.before_bytes}};
    if (layer.after)
      item["new"] = {{"digest", diff.after.image.layers[*layer.after].blob.digest.to_string()},
                     {"sizeBytes", layer.after_bytes}};
    result["layers"].push_back(std::move(item));
  }
  if (!diff.removed_below.empty()) result["removedBelow"] = diff.removed_below;
  if (!diff.paths) return result;
  result["visibleDeltaBytes"] = diff.paths->visible_delta;
  result["hiddenDeltaBytes"] = diff.paths->hidden_delta;
  result["paths"] = Json::array();
  for (const PathChange& change : diff.paths->rows) {
    Json item = {{"path", change.path},
                 {"change", word_of(change)},
                 {"deltaBytes", change.delta},
                 {"files", change.files}};
    if (const int line = line_of(diff, change); line > 0) item["line"] = line;
    if (change.rest) item["rest"] = true;
    result["paths"].push_back(std::move(item));
  }
  return result;
}

}  // namespace imagebuild::plugin
