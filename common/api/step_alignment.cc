#include "common/api/step_alignment.h"

#include <algorithm>

namespace imagebuild::api {
namespace {

/// The share of two texts that is the same at their beginning and end, 0 to 1.
double similarity(std::string_view a, std::string_view b) {
  const std::size_t longer = std::max(a.size(), b.size()), shorter = std::min(a.size(), b.size());
  std::size_t front = 0, back = 0;
  while (front < shorter && a[front] == b[front]) ++front;
  while (back < shorter - front && a[a.size() - 1 - back] == b[b.size() - 1 - back]) ++back;
  return static_cast<double>(front + back) / static_cast<double>(longer);
}

std::string_view keyword(const StepLayer& layer) {
  return layer.created_by.substr(0, layer.created_by.find(' '));
}

/// How likely two layers are the same step of two builds; 0: they are not. The size only decides
/// between steps that look the same.
double likeness(const StepLayer& now, const StepLayer& before) {
  constexpr double kSameDigest = 1000, kSameText = 500, kSimilarText = 100, kSamePlace = 30;
  if (now.origin != before.origin) return 0;
  if (now.digest == before.digest) return kSameDigest;
  const double larger = static_cast<double>(std::max(now.size_bytes, before.size_bytes));
  const double smaller = static_cast<double>(std::min(now.size_bytes, before.size_bytes));
  const double size = larger == 0 ? 1 : smaller / larger;
  const bool told = !now.created_by.empty() && !before.created_by.empty();
  if (told && now.created_by == before.created_by) return kSameText + size;
  const double similar = told ? similarity(now.created_by, before.created_by) : 0;
  if (similar >= 0.6) return kSimilarText * similar + size;
  const bool same_place =
      now.place > 0 && now.place == before.place && keyword(now) == keyword(before);
  return same_place || now.origin == "base" ? kSamePlace + size : 0;
}

}  // namespace

std::vector<std::optional<std::size_t>> align_steps(const std::vector<StepLayer>& now,
                                                    const std::vector<StepLayer>& before) {
  // best[i][j]: of the layers from i and from j on.
  std::vector<std::vector<double>> best(now.size() + 1, std::vector<double>(before.size() + 1, 0));
  auto paired = [&](std::size_t i, std::size_t j) {
    const double like = likeness(now[i], before[j]);
    return like > 0 ? like + best[i + 1][j + 1] : 0;
  };
  for (std::size_t i = now.size(); i-- > 0;)
    for (std::size_t j = before.size(); j-- > 0;)
      best[i][j] = std::max({best[i + 1][j], best[i][j + 1], paired(i, j)});
  std::vector<std::optional<std::size_t>> pairs(now.size());
  for (std::size_t i = 0, j = 0; i < now.size() && j < before.size();) {
    if (best[i][j] == paired(i, j) && best[i][j] > 0)
      pairs[i++] = j++;
    else if (best[i][j] == best[i + 1][j])
      ++i;
    else
      ++j;
  }
  return pairs;
}

}  // namespace imagebuild::api
