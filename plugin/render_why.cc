#include <algorithm>

#include "common/base/byte_size.h"
#include "plugin/next_steps.h"
#include "plugin/render.h"

namespace imagebuild::plugin {
namespace {

constexpr std::size_t kGrown = 5;

std::string trigger_text(const std::string& trigger) {
  if (trigger == "Spec") return "Spec: there was no image of this spec";
  if (trigger == "Manual") return "Manual: a rebuild was asked for";
  if (trigger == "Retry") return "Retry: the build before failed and is tried again";
  return trigger;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::max(0.0, seconds));
  if (whole < 60) return std::to_string(whole) + "s";
  if (whole < 3600) return std::to_string(whole / 60) + "m" + std::to_string(whole % 60) + "s";
  return std::to_string(whole / 3600) + "h" + std::to_string(whole / 60 % 60) + "m";
}

std::string took(const api::Build& build) {
  auto from = parse_rfc3339(build.started_at), to = parse_rfc3339(build.finished_at);
  if (!from || !to || *to < *from) return "";
  return " after " + duration_text(std::chrono::duration<double>(*to - *from).count());
}

bool runs(const View& view) { return view.build && view.build->result.empty(); }

/// The reasons that need somebody's attention or patience, the most pressing first.
std::vector<std::string> reasons_of(const View& view) {
  std::vector<std::string> reasons;
  auto add = [&](const std::string& reason) {
    if (!reason.empty() && std::find(reasons.begin(), reasons.end(), reason) == reasons.end())
      reasons.push_back(reason);
  };
  const api::Condition* ready = view.condition("Ready");
  const api::Condition* current = view.condition("UpToDate");
  const bool failed_now = (ready != nullptr && ready->status == "False") ||
                          (current != nullptr && current->status == "False");
  if (ready != nullptr && ready->reason == "InvalidSpec")
    add(ready->reason);
  else if (failed_now && view.build && view.build->failure)
    add(view.build->failure->reason);
  for (const char* type : {"Ready", "UpToDate", "WithinBudget"})
    if (const api::Condition* condition = view.condition(type);
        condition != nullptr && condition->status != "True")
      add(condition->reason);
  if (reasons.empty() && ready != nullptr) add(ready->reason);
  return reasons;
}

std::string condition_lines(const View& view, const Style& style) {
  std::string text;
  for (const char* type : {"Ready", "UpToDate", "WithinBudget", "Reconciling", "Stalled"}) {
    const api::Condition* condition = view.condition(type);
    if (condition == nullptr) continue;
    const bool normal = std::string_view(type) == "Ready" || type == std::string_view("UpToDate") ||
                        type == std::string_view("WithinBudget");
    const Colour colour = !normal                        ? Colour::Yellow
                          : condition->status == "True"  ? Colour::Green
                          : condition->status == "False" ? Colour::Red
                                                         : Colour::Yellow;
    text += "  " + pad_right(type, 13) +
            paint(style, colour, pad_right(one_line(condition->status), 8)) +
            one_line(condition->reason) + "\n";
    // Reconciling and Stalled repeat what Ready says.
    if (normal) text += wrap(condition->message, style.width, "               ");
  }
  if (text.empty())
    text =
        "  The operator has not looked at it yet. Is it running?\n  kubectl get pods -n "
        "imagebuild-system\n";
  if (view.observed_generation >= 0 && view.observed_generation < view.generation)
    text += "  (about an older spec: the operator has not seen the latest change)\n";
  return text;
}

std::string build_lines(const View& view, const Style& style) {
  if (!view.build) return "";
  const api::Build& build = *view.build;
  std::string text = "\n" + paint(style, Colour::Bold, runs(view) ? "Build" : "Last build") +
                     " number " + std::to_string(build.number) + "\n";
  text += fact(style, "trigger", trigger_text(build.trigger));
  text += fact(style, "pod", build.pod);
  if (!build.revision.empty()) text += fact(style, "revision", build.revision);
  if (runs(view))
    text += fact(style, "result",
                 build.started_at.empty() ? "not started yet, queued at " + build.queued_at
                                          : "running since " + build.started_at);
  else
    text += fact(style, "result", build.result + took(build) + ", at " + build.finished_at);
  if (build.retries > 0)
    text += fact(style, "retries", std::to_string(build.retries) + " after transient failures");
  if (!build.failure) return text;
  const api::Failure& failure = *build.failure;
  std::string where;
  if (!failure.stage.empty()) where += ", stage " + failure.stage;
  if (failure.line > 0) where += ", Dockerfile line " + std::to_string(failure.line);
  if (failure.exit_code) where += ", exit code " + std::to_string(*failure.exit_code);
  text += fact(
      style, "failure",
      failure.reason + " (" + std::string(api::to_string(failure.failure_class)) + ")" + where);
  text += fact(style, "", failure.message);
  if (failure.log_tail.empty()) return text;
  text += "\n" + paint(style, Colour::Bold, "Last output") + "\n";
  std::string tail = printable(failure.log_tail);
  while (!tail.empty() && tail.back() == '\n') tail.pop_back();
  for (std::size_t start = 0; start <= tail.size();) {
    const std::size_t end = std::min(tail.find('\n', start), tail.size());
    text += "  | " + clip(style, tail.substr(start, end - start), style.width - 4) + "\n";
    start = end + 1;
  }
  return text;
}

std::vector<LayerView> grown_layers(const ImageView& image) {
  std::vector<LayerView> grown;
  for (const LayerView& layer : image.layers)
    if (layer.delta_bytes && *layer.delta_bytes > 0) grown.push_back(layer);
  std::stable_sort(grown.begin(), grown.end(), [](const LayerView& a, const LayerView& b) {
    return *a.delta_bytes > *b.delta_bytes;
  });
  return grown;
}

std::string growth_lines(const View& view, const Style& style) {
  if (!view.image || (view.image->delta_bytes.value_or(0) == 0 && !view.over_baseline())) return "";
  const ImageView& image = *view.image;
  std::string text =
      "\n" + paint(style, Colour::Bold, "Size") + " " + format_bytes(image.size_bytes);
  if (image.delta_bytes)
    text += ", " + paint_delta(style, *image.delta_bytes, format_delta(*image.delta_bytes)) +
            " to the image before";
  if (auto over = view.over_baseline())
    text += ", " + paint_delta(style, *over, percent(*over, view.baseline->size_bytes)) +
            " to the baseline";
  text += "\n";
  std::int64_t base = 0, own = 0;
  bool known = false;
  for (const LayerView& layer : image.layers) {
    if (!layer.delta_bytes) continue;
    known = true;
    (layer.own ? own : base) += *layer.delta_bytes;
  }
  if (!known) return text;
  text += "  own layers " + format_delta(own) + ", the base image " + format_delta(base) + "\n";
  const auto grown = grown_layers(image);
  for (std::size_t i = 0; i < std::min(grown.size(), kGrown); ++i) {
    const LayerView& layer = grown[i];
    const std::string where = layer.line > 0 ? "line " + std::to_string(layer.line)
                              : layer.own    ? "own"
                                             : "base";
    text += "  " +
            paint_delta(style, *layer.delta_bytes, pad_left(format_delta(*layer.delta_bytes), 11)) +
            "  " + pad_right(where, 9) + " " +
            clip(style, instruction(layer.created_by), style.width - 25) + "\n";
  }
  if (grown.size() > kGrown)
    text += "  and " + count_of(grown.size() - kGrown, "smaller layer") + "\n";
  if (!grown.empty()) text += "  Which files: kubectl imagebuild diff " + arguments_of(view) + "\n";
  return text;
}

std::string next_lines(const View& view, const Style& style) {
  std::string text;
  for (const std::string& reason : reasons_of(view)) {
    std::string step = what_to_do(reason, arguments_of(view));
    if (!step.empty()) text += wrap(step, style.width, "  ");
  }
  return text.empty() ? "" : "\n" + paint(style, Colour::Bold, "What to do") + "\n" + text;
}

}  // namespace

std::string render_why(const View& view, const Style& style) {
  return title(view, style) + condition_lines(view, style) + build_lines(view, style) +
         growth_lines(view, style) + next_lines(view, style);
}

Json why_to_json(const View& view) {
  Json result = {
      {"namespace", view.name_space}, {"name", view.name}, {"suspended", view.suspended}};
  result["conditions"] = Json::array();
  for (const api::Condition& condition : view.conditions)
    result["conditions"].push_back({{"type", condition.type},
                                    {"status", condition.status},
                                    {"reason", condition.reason},
                                    {"message", condition.message}});
  if (view.build) {
    Json build = {{"number", view.build->number},        {"pod", view.build->pod},
                  {"trigger", view.build->trigger},      {"result", view.build->result},
                  {"startedAt", view.build->started_at}, {"finishedAt", view.build->finished_at}};
    if (view.build->failure) build["failure"] = api::failure_to_json(*view.build->failure);
    result["build"] = std::move(build);
  }
  if (view.image) {
    Json size = {{"sizeBytes", view.image->size_bytes}};
    if (view.image->delta_bytes) size["deltaBytes"] = *view.image->delta_bytes;
    if (auto over = view.over_baseline()) size["overBaselineBytes"] = *over;
    for (const LayerView& layer : grown_layers(*view.image))
      size["grown"].push_back({{"digest", layer.digest},
                               {"line", layer.line},
                               {"origin", layer.own ? "own" : "base"},
                               {"deltaBytes", *layer.delta_bytes},
                               {"instruction", instruction(layer.created_by)}});
    result["size"] = std::move(size);
  }
  for (const std::string& reason : reasons_of(view))
    if (std::string step = what_to_do(reason, arguments_of(view)); !step.empty())
      result["next"].push_back({{"reason", reason}, {"text", step}});
  return result;
}

}  // namespace imagebuild::plugin
