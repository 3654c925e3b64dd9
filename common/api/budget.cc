#include "common/api/budget.h"

#include <charconv>
#include <cstdio>

#include "common/base/byte_size.h"

namespace imagebuild::api {
namespace {

constexpr double kMaxPercent = 10000;

std::optional<double> percent_from_text(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  double value = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(value > 0) || value > kMaxPercent) return std::nullopt;
  return value;
}

std::string percent_to_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g%%", value);
  return text;
}

std::optional<std::uint64_t> read_bytes(FieldReader& reader, const char* field) {
  auto text = reader.maybe_text(field);
  if (!text) return std::nullopt;
  auto bytes = parse_quantity(*text);
  if (bytes && *bytes > 0) return *bytes;
  reader.fail(field, "expected a positive quantity of bytes such as 300Mi");
  return std::nullopt;
}

std::string over(std::uint64_t bytes, std::uint64_t limit, const char* what) {
  return format_bytes(bytes) + " is over " + what + " of " + format_bytes(limit);
}

}  // namespace

std::vector<std::string> exceeded_limits(const Budget& budget, const BudgetedSizes& sizes) {
  std::vector<std::string> sentences;
  if (budget.size_bytes && sizes.size_bytes > *budget.size_bytes)
    sentences.push_back(over(sizes.size_bytes, *budget.size_bytes, "spec.budget.size"));
  if (budget.growth_percent && sizes.baseline_bytes > 0) {
    const double limit =
        static_cast<double>(sizes.baseline_bytes) * (1 + *budget.growth_percent / 100);
    if (static_cast<double>(sizes.size_bytes) > limit)
      sentences.push_back(format_delta(static_cast<std::int64_t>(sizes.size_bytes) -
                                       static_cast<std::int64_t>(sizes.baseline_bytes)) +
                          " over baseline " + format_bytes(sizes.baseline_bytes) +
                          " is more than spec.budget.growth of " +
                          percent_to_text(*budget.growth_percent));
  }
  if (budget.own_bytes && sizes.own_size_bytes > *budget.own_bytes)
    sentences.push_back(over(sizes.own_size_bytes, *budget.own_bytes, "spec.budget.own"));
  if (budget.layers && sizes.layer_count > *budget.layers)
    sentences.push_back(std::to_string(sizes.layer_count) +
                        " layers are over spec.budget.layers of " + std::to_string(*budget.layers));
  return sentences;
}

std::string joined(const std::vector<std::string>& sentences) {
  std::string message;
  for (const std::string& sentence : sentences) message += (message.empty() ? "" : "; ") + sentence;
  return message;
}

Budget read_budget(FieldReader& spec) {
  Budget budget;
  spec.object("budget", [&](FieldReader& reader) {
    budget.size_bytes = read_bytes(reader, "size");
    budget.own_bytes = read_bytes(reader, "own");
    if (auto text = reader.maybe_text("growth")) {
      budget.growth_percent = percent_from_text(*text);
      if (!budget.growth_percent)
        reader.fail("growth", "expected a percentage such as 20%, above 0% and at most 10000%");
    }
    if (auto layers = reader.integer("layers", 1, 127)) budget.layers = static_cast<int>(*layers);
    budget.enforcement =
        static_cast<Budget::Enforcement>(reader.choice("enforcement", {"Warn", "Block"}));
    if (!budget.has_limit())
      spec.fail("budget", "expected at least one of size, growth, own, layers");
    reader.finish();
  });
  return budget;
}

Json budget_to_json(const Budget& budget) {
  if (!budget.has_limit()) return nullptr;
  Json result = Json::object();
  if (budget.size_bytes) result["size"] = std::to_string(*budget.size_bytes);
  if (budget.growth_percent) result["growth"] = percent_to_text(*budget.growth_percent);
  if (budget.own_bytes) result["own"] = std::to_string(*budget.own_bytes);
  if (budget.layers) result["layers"] = *budget.layers;
  if (budget.enforcement == Budget::Enforcement::Block) result["enforcement"] = "Block";
  return result;
}

}  // namespace imagebuild::api
