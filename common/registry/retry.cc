#include "common/registry/retry.h"

#include <charconv>
#include <ctime>

namespace imagebuild::registry {

bool is_retryable_status(int status) {
  return status == 408 || status == 429 || (status >= 500 && status != 501);
}

std::optional<Duration> parse_retry_after(const http::Headers& headers, TimePoint now) {
  auto text = headers.find("Retry-After");
  if (!text) return std::nullopt;
  long seconds = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (error == std::errc() && end == text->data() + text->size()) {
    constexpr long kLongest = 10 * 365 * 86400L;
    return std::chrono::seconds(std::clamp(seconds, 0L, kLongest));
  }
  std::tm date{};
  if (::strptime(text->c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date) == nullptr) return std::nullopt;
  TimePoint when{std::chrono::seconds(::timegm(&date))};
  return when > now ? std::chrono::duration_cast<Duration>(when - now) : Duration(0);
}

bool Retry::again(std::optional<Duration> retry_after) {
  unsigned failure = failures_++;
  if (failures_ >= policy_.attempts || stop_.stop_requested()) return false;
  if (retry_after && *retry_after > policy_.longest_wait) return false;
  Duration delay = policy_.backoff.delay(failure, random_unit());
  if (retry_after && *retry_after > delay) delay = *retry_after;
  return policy_.wait(delay, stop_);
}

Result<http::Response> RetryingTransport::send(const http::Request& request, std::stop_token stop) {
  bool sink_started = false;
  http::Request attempt = request;
  if (request.sink) {
    attempt.sink = [&](const http::Response& head, std::string_view bytes) {
      sink_started = true;
      return request.sink(head, bytes);
    };
  }
  Retry retry(policy_, stop);
  for (;;) {
    auto response = inner_.send(attempt, stop);
    bool failed = response ? is_retryable_status(response->status)
                           : response.error().kind == ErrorKind::Transient;
    if (!failed || request.source || sink_started) return response;
    auto retry_after =
        response ? parse_retry_after(response->headers, SystemClock().now()) : std::nullopt;
    std::string why = response ? std::to_string(response->status) : response.error().message;
    if (!retry.again(retry_after)) return response;
    log_.warn("registry request failed, sent again", {{"method", request.method}, {"reason", why}});
  }
}

}  // namespace imagebuild::registry
