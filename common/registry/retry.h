// The one rule of trying again: network errors, 408, 429 and 5xx, with back-off or the server's
// Retry-After; never other 4xx. RetryingTransport applies it to whole requests; transfers that
// resume in the middle use a Retry themselves.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include "common/base/backoff.h"
#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/wait.h"
#include "common/http/transport.h"

namespace imagebuild::registry {

struct RetryPolicy {
  unsigned attempts = 6;  ///< in total, the first included
  Backoff backoff;
  Duration longest_wait{90'000};  ///< a Retry-After beyond it is not waited for
  /// How to pause; false: a stop was requested. Tests replace it.
  std::function<bool(Duration, const std::stop_token&)> wait = wait_for;
};

bool is_retryable_status(int status);
/// Seconds or an HTTP date.
std::optional<Duration> parse_retry_after(const http::Headers& headers, TimePoint now);

/// Counts the attempts of one operation.
class Retry {
 public:
  Retry(const RetryPolicy& policy, std::stop_token stop)
      : policy_(policy), stop_(std::move(stop)) {}

  /// Pauses before the next attempt; false: no attempt is left, the pause is too long,
  /// or a stop was requested.
  bool again(std::optional<Duration> retry_after = std::nullopt);
  /// The last attempt got somewhere: the next failure counts as the first.
  void progressed() { failures_ = 0; }

 private:
  const RetryPolicy& policy_;
  const std::stop_token stop_;
  unsigned failures_ = 0;
};

/// Sends again what can be sent again: requests whose body is in memory and
/// whose sink has received nothing.
class RetryingTransport final : public http::Transport {
 public:
  RetryingTransport(http::Transport& inner, const RetryPolicy& policy, const Logger& log)
      : inner_(inner), policy_(policy), log_(log) {}
  Result<http::Response> send(const http::Request& request, std::stop_token stop) override;

 private:
  http::Transport& inner_;
  const RetryPolicy& policy_;
  const Logger& log_;
};

}  // namespace imagebuild::registry
