#include <algorithm>
#include <cmath>

#include "common/base/byte_size.h"
#include "plugin/render.h"

namespace imagebuild::plugin {
namespace {

constexpr std::size_t kBar = 10;
constexpr std::size_t kBeforeInstruction = 49;

std::string size_facts(const View& view, const ImageView& image, const Style& style) {
  std::string unpacked = image.uncompressed_bytes == 0
                             ? ""
                             : ", " + format_bytes(image.uncompressed_bytes) + " unpacked";
  std::string text = fact(style, "size",
                          format_bytes(image.size_bytes) + " compressed" + unpacked + ", " +
                              count_of(static_cast<std::size_t>(image.layer_count), "layer"));
  if (image.size_bytes > 0) {
    const std::uint64_t own = std::min(image.own_bytes, image.size_bytes);
    const auto share =
        std::llround(100.0 * static_cast<double>(own) / static_cast<double>(image.size_bytes));
    text += fact(style, "own, base",
                 format_bytes(own) + " (" + std::to_string(share) + "%) own, " +
                     format_bytes(image.size_bytes - own) + " base");
  }
  if (image.wasted_bytes)
    text += fact(style, "waste",
                 format_bytes(*image.wasted_bytes) +
                     (*image.wasted_bytes == 0 ? "" : " that later layers overwrite or remove"));
  if (image.delta_bytes)
    text +=
        fact(style, "delta",
             format_delta(*image.delta_bytes) +
                 (image.delta.empty() ? "" : " (" + image.delta + ")") + " to the image before");
  if (auto over = view.over_baseline())
    text += fact(style, "baseline",
                 format_delta(*over) + " (" + percent(*over, view.baseline->size_bytes) + ") to " +
                     format_bytes(view.baseline->size_bytes) + ", the median of " +
                     count_of(static_cast<std::size_t>(view.baseline->samples), "build"));
  return text;
}

std::string budget_fact(const View& view, const Style& style) {
  if (view.budget.empty()) return "";
  std::string limits;
  for (const auto& [name, value] :
       {std::pair<const char*, const std::string&>{"size ", view.budget.size},
        {"growth ", view.budget.growth},
        {"own ", view.budget.own},
        {"layers ", view.budget.layers}})
    if (!value.empty()) limits += (limits.empty() ? "" : ", ") + std::string(name) + value;
  if (!view.budget.enforcement.empty()) limits += " (" + view.budget.enforcement + ")";
  const api::Condition* within = view.condition("WithinBudget");
  std::string verdict = "not checked yet";
  if (within != nullptr && within->status == "True") verdict = "within";
  if (within != nullptr && within->status == "False") verdict = "EXCEEDED, " + within->message;
  return fact(style, "budget", limits + ": " + verdict);
}

/// Own layers are solid, those of the base light; the part that is wasted stands at the end.
std::string bar(const LayerView& layer, std::uint64_t largest, const Style& style) {
  if (largest == 0 || layer.size_bytes == 0) return std::string(kBar, ' ');
  auto share = [](std::uint64_t part, std::uint64_t whole, std::size_t cells) {
    return static_cast<std::size_t>(
        std::llround(static_cast<double>(cells) * static_cast<double>(std::min(part, whole)) /
                     static_cast<double>(whole)));
  };
  const std::size_t filled = std::max<std::size_t>(1, share(layer.size_bytes, largest, kBar));
  const std::uint64_t whole = layer.uncompressed_bytes.value_or(layer.size_bytes);
  const std::uint64_t wasted_bytes = layer.wasted_bytes.value_or(0);
  std::size_t waste = whole == 0 ? 0 : share(wasted_bytes, whole, filled);
  // From two per cent on it is seen, but never instead of the layer.
  if (waste == 0 && filled > 1 && wasted_bytes >= whole / 50 && wasted_bytes > 0) waste = 1;
  const char* good = layer.own ? (style.unicode ? "█" : "#") : (style.unicode ? "░" : "=");
  const char* bad = style.unicode ? "▒" : "~";
  std::string solid, wasted;
  for (std::size_t i = 0; i < filled - waste; ++i) solid += good;
  for (std::size_t i = 0; i < waste; ++i) wasted += bad;
  return paint(style, layer.own ? Colour::Cyan : Colour::Dim, solid) +
         paint(style, Colour::Yellow, wasted) + std::string(kBar - filled, ' ');
}

std::string layer_table(const ImageView& image, const Style& style) {
  if (image.layers.empty())
    return "\n" + wrap("The status does not list the " +
                           count_of(static_cast<std::size_t>(image.layer_count), "layer") +
                           ": there are too many, or the builder's last log lines were lost. "
                           "The sizes above are right.",
                       style.width, "  ");
  std::uint64_t largest = 0;
  for (const LayerView& layer : image.layers) largest = std::max(largest, layer.size_bytes);
  std::string text =
      "\n  # LINE FROM       SIZE      WASTE " + pad_right("", kBar) + " INSTRUCTION\n";
  for (std::size_t i = 0; i < image.layers.size(); ++i) {
    const LayerView& layer = image.layers[i];
    const std::size_t room =
        style.width > kBeforeInstruction ? style.width - kBeforeInstruction : 1;
    text += pad_left(std::to_string(i + 1), 3) + " " +
            pad_left(layer.line > 0 ? std::to_string(layer.line) : "-", 4) + " " +
            pad_right(layer.own ? "own" : "base", 4) + " " +
            pad_left(format_bytes(layer.size_bytes), 10) + " " +
            pad_left(layer.wasted_bytes ? format_bytes(*layer.wasted_bytes) : "-", 10) + " " +
            bar(layer, largest, style) + " " + clip(style, instruction(layer.created_by), room);
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
  }
  const auto mark = [&](const char* block, const char* plain) {
    return std::string(style.unicode ? block : plain);
  };
  return text +
         paint(style, Colour::Dim,
               "  " + mark("█", "#") + " own  " + mark("░", "=") + " base  " + mark("▒", "~") +
                   " wasted") +
         "\n";
}

std::string path_table(const ImageView& image, const Style& style) {
  if (image.largest_paths.empty()) return "";
  std::string text = "\nLargest paths (unpacked)\n  #       SIZE PATH\n";
  for (const LargePath& path : image.largest_paths)
    text += pad_left(std::to_string(path.layer + 1), 3) + " " +
            pad_left(format_bytes(path.size_bytes), 10) + " " +
            clip_front(style, path.path, style.width - 15) + "\n";
  return text;
}

std::string advice_lines(const ImageView& image, const Style& style) {
  if (image.advice.empty()) return "";
  std::string text = "\nWhat would make it smaller\n";
  for (const AdviceView& advice : image.advice) {
    std::string where = advice.line > 0 ? "line " + std::to_string(advice.line) + ": " : "";
    std::string lines = wrap(where + advice.message, style.width, "             ");
    text += " " + pad_left(format_bytes(advice.saves_bytes), 11) + " " +
            (lines.empty() ? "\n" : lines.substr(13));
  }
  return text;
}

Json layer_to_json(const LayerView& layer) {
  Json result = {{"digest", layer.digest},
                 {"sizeBytes", layer.size_bytes},
                 {"origin", layer.own ? "own" : "base"},
                 {"instruction", instruction(layer.created_by)}};
  if (layer.line > 0) result["line"] = layer.line;
  if (layer.uncompressed_bytes) result["uncompressedBytes"] = *layer.uncompressed_bytes;
  if (layer.wasted_bytes) result["wastedBytes"] = *layer.wasted_bytes;
  if (layer.delta_bytes) result["deltaBytes"] = *layer.delta_bytes;
  return result;
}

Json budget_to_json(const View& view) {
  Json result = Json::object();
  for (const auto& [name, value] :
       {std::pair<const char*, const std::string&>{"size", view.budget.size},
        {"growth", view.budget.growth},
        {"own", view.budget.own},
        {"layers", view.budget.layers},
        {"enforcement", view.budget.enforcement}})
    if (!value.empty()) result[name] = value;
  if (const api::Condition* within = view.condition("WithinBudget")) {
    result["within"] = within->status;
    result["message"] = within->message;
  }
  return result;
}

}  // namespace

std::string render_sizes(const View& view, const Style& style) {
  std::string text = title(view, style);
  if (!view.image)
    return text +
           wrap("No image has been built yet. Why: kubectl imagebuild why " + arguments_of(view),
                style.width, "  ");
  const ImageView& image = *view.image;
  std::string tags;
  for (const std::string& tag : image.tags) tags += (tags.empty() ? ", tags " : ", ") + tag;
  text += fact(
      style, "image",
      image.digest.substr(0, 19) + (image.platform.empty() ? "" : ", " + image.platform) + tags);
  std::string built = image.created_at;
  if (!image.revision.empty()) built += " from " + image.revision;
  text += fact(style, "built", built);
  return text + size_facts(view, image, style) + budget_fact(view, style) +
         layer_table(image, style) + path_table(image, style) + advice_lines(image, style);
}

Json sizes_to_json(const View& view) {
  Json result = {{"namespace", view.name_space}, {"name", view.name}, {"image", view.target}};
  if (!view.budget.empty()) result["budget"] = budget_to_json(view);
  if (view.baseline)
    result["baseline"] = {{"sizeBytes", view.baseline->size_bytes},
                          {"samples", view.baseline->samples}};
  if (auto over = view.over_baseline()) result["overBaselineBytes"] = *over;
  if (!view.image) return result;
  const ImageView& image = *view.image;
  result["ref"] = image.ref;
  result["platform"] = image.platform;
  result["sizeBytes"] = image.size_bytes;
  result["ownSizeBytes"] = image.own_bytes;
  result["uncompressedSizeBytes"] = image.uncompressed_bytes;
  if (image.wasted_bytes) result["wastedBytes"] = *image.wasted_bytes;
  if (image.delta_bytes) result["deltaBytes"] = *image.delta_bytes;
  result["layers"] = Json::array();
  for (const LayerView& layer : image.layers) result["layers"].push_back(layer_to_json(layer));
  for (const LargePath& path : image.largest_paths)
    result["largestPaths"].push_back(
        {{"path", path.path}, {"sizeBytes", path.size_bytes}, {"layer", path.layer}});
  for (const AdviceView& advice : image.advice)
    result["advice"].push_back(
        {{"line", advice.line}, {"savesBytes", advice.saves_bytes}, {"message", advice.message}});
  return result;
}

}  // namespace imagebuild::plugin
