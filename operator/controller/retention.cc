#include "operator/controller/retention.h"

#include <algorithm>

namespace imagebuild::controller {
namespace {

TimePoint ended(const PodView& pod) {
  auto time = parse_rfc3339(pod.finished_at.empty() ? pod.created_at : pod.finished_at);
  return time ? *time : TimePoint();
}

}  // namespace

Retention plan_retention(std::vector<PodView> pods, const api::History& history, TimePoint now) {
  std::sort(pods.begin(), pods.end(), [](const PodView& a, const PodView& b) {
    return ended(a) != ended(b) ? ended(a) > ended(b) : a.name > b.name;
  });
  Retention retention;
  int successful = 0, failed = 0;
  for (PodView& pod : pods) {
    int& kept = pod.phase == "Succeeded" ? successful : failed;
    const int limit = pod.phase == "Succeeded" ? history.successful : history.failed;
    const Duration left = ended(pod) + history.ttl - now;
    if (kept >= limit || left <= Duration(0)) {
      retention.expired.push_back(std::move(pod));
      continue;
    }
    ++kept;
    if (!retention.next || left < *retention.next) retention.next = left;
  }
  return retention;
}

}  // namespace imagebuild::controller
