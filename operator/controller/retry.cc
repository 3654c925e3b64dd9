#include "operator/controller/retry.h"

#include <algorithm>

#include "common/base/backoff.h"

namespace imagebuild::controller {
namespace {

constexpr Backoff kTransient{
    .first = Duration(10'000), .factor = 3.0, .limit = Duration(600'000), .jitter = 0.2};
constexpr Backoff kConfig{
    .first = Duration(60'000), .factor = 2.0, .limit = Duration(600'000), .jitter = 0.2};

}  // namespace

RetryPlan plan_retry(const api::Build& build, const api::Spec& spec, std::int64_t generation,
                     TimePoint now) {
  const api::Failure failure = build.failure.value_or(api::Failure{});
  const bool terminal = failure.failure_class == api::FailureClass::Terminal;
  const bool settings_matter = !terminal || failure.reason == api::reason::kTimeout ||
                               failure.reason == api::reason::kSizeBudgetExceeded;
  if (settings_matter && generation != build.generation) return {};
  if (terminal) return {.never = true};
  const bool transient = failure.failure_class == api::FailureClass::Transient;
  if (transient && build.retries >= spec.retries) return {.never = true};
  const Backoff& backoff = transient ? kTransient : kConfig;
  const int before = transient ? build.retries : build.config_retries;
  const Duration delay = backoff.base(static_cast<unsigned>(before));
  auto finished = parse_rfc3339(build.finished_at);
  if (!finished) return {.never = false, .wait = delay};
  return {.never = false, .wait = std::max(Duration(0), *finished + delay - now)};
}

}  // namespace imagebuild::controller
