#include <algorithm>
#include <tuple>

#include "common/base/byte_size.h"
#include "plugin/render.h"

namespace imagebuild::plugin {
namespace {

constexpr std::size_t kWide = 100;

std::int64_t rank(const View& view, const std::string& sort) {
  constexpr std::int64_t kLast = INT64_MIN;
  if (!view.image) return kLast;
  if (sort == "size") return static_cast<std::int64_t>(view.image->size_bytes);
  if (sort == "delta") return view.image->delta_bytes.value_or(kLast + 1);
  return view.over_baseline().value_or(kLast + 1);
}

void sort_views(std::vector<View>& views, const std::string& sort) {
  std::sort(views.begin(), views.end(), [&](const View& a, const View& b) {
    if (sort != "name") {
      const auto left = rank(a, sort), right = rank(b, sort);
      if (left != right) return left > right;
    }
    return std::tie(a.name_space, a.name) < std::tie(b.name_space, b.name);
  });
}

bool over_budget(const View& view) {
  const api::Condition* within = view.condition("WithinBudget");
  return within != nullptr && within->status == "False";
}

std::string state_word(const View& view) {
  const api::Condition* ready = view.condition("Ready");
  if (ready == nullptr) return "-";
  if (ready->status != "True") return ready->reason.empty() ? ready->status : ready->reason;
  if (over_budget(view)) return "over budget";
  const api::Condition* current = view.condition("UpToDate");
  return current == nullptr || current->status == "True" ? "Ready" : "Ready, " + current->reason;
}

}  // namespace

std::string render_list(std::vector<View> views, const ListOptions& options, const Style& style) {
  if (views.empty()) return "No ImageBuilds found.\n";
  sort_views(views, options.sort);
  // Eighty columns hold a namespace or the distance from the baseline.
  const bool with_over = !options.with_namespace || style.width >= kWide;
  const std::size_t name_width = options.with_namespace && style.width < kWide ? 20 : 24;
  std::vector<Table::Column> headings;
  if (options.with_namespace) headings.push_back({"NAMESPACE"});
  headings.push_back({"NAME"});
  headings.push_back({"SIZE", true});
  headings.push_back({"DELTA", true});
  headings.push_back({"BASELINE", true});
  if (with_over) headings.push_back({"OVER", true});
  headings.push_back({"STATE"});
  Table table(std::move(headings));
  std::uint64_t total = 0, own = 0;
  for (const View& view : views) {
    std::vector<std::string> cells;
    if (options.with_namespace) cells.push_back(clip(style, view.name_space, 14));
    cells.push_back(clip(style, view.name, name_width));
    const auto over = view.over_baseline();
    cells.push_back(view.image ? format_bytes_compact(view.image->size_bytes) : "-");
    cells.push_back(view.image && view.image->delta_bytes
                        ? (view.image->delta.empty() ? format_delta(*view.image->delta_bytes)
                                                     : view.image->delta)
                        : "-");
    cells.push_back(view.baseline ? format_bytes_compact(view.baseline->size_bytes) : "-");
    if (with_over) cells.push_back(over ? percent(*over, view.baseline->size_bytes) : "-");
    cells.push_back(state_word(view));
    table.add(std::move(cells));
    if (view.image) total += view.image->size_bytes, own += view.image->own_bytes;
  }
  return table.render(style) + count_of(views.size(), "image") + ", " + format_bytes(total) +
         ", of it " + format_bytes(own) + " own\n";
}

Json list_to_json(std::vector<View> views, const ListOptions& options) {
  sort_views(views, options.sort);
  Json items = Json::array();
  for (const View& view : views) {
    Json item = {{"namespace", view.name_space},
                 {"name", view.name},
                 {"image", view.target},
                 {"state", state_word(view)},
                 {"overBudget", over_budget(view)}};
    if (view.image) {
      item["ref"] = view.image->ref;
      item["sizeBytes"] = view.image->size_bytes;
      item["ownSizeBytes"] = view.image->own_bytes;
      if (view.image->delta_bytes) item["deltaBytes"] = *view.image->delta_bytes;
    }
    if (view.baseline) item["baselineBytes"] = view.baseline->size_bytes;
    if (auto over = view.over_baseline()) item["overBaselineBytes"] = *over;
    items.push_back(std::move(item));
  }
  return {{"items", std::move(items)}};
}

}  // namespace imagebuild::plugin
