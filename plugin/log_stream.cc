#include "plugin/log_stream.h"

#include <algorithm>

#include "common/base/clock.h"
#include "common/kube/api_error.h"

namespace imagebuild::plugin {
namespace {

constexpr std::size_t kMaxLine = 64u << 10;
// Between two pieces of the body. A step may be silent for longer: then it is asked again.
constexpr std::chrono::minutes kSilence{10};

/// "2026-11-24T07:00:00.120000000Z": the text sorts as the time does. "" when there is none in
/// front.
std::string time_of(std::string_view line) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos || blank < 20 || blank > 40) return "";
  std::string time(line.substr(0, blank));
  if (!parse_rfc3339(time)) return "";
  const std::size_t seconds = 19;  // of "2026-11-24T07:00:00"
  std::string fraction;
  std::size_t end = seconds;
  if (time[end] == '.')
    while (++end < time.size() && time[end] >= '0' && time[end] <= '9') fraction += time[end];
  fraction.resize(9, '0');
  return time.substr(0, seconds) + "." + fraction + time.substr(end);
}

std::string escaped(std::string time) {
  for (std::size_t at = 0; (at = time.find('+', at)) != std::string::npos;)
    time.replace(at, 1, "%2B");
  return time;
}

}  // namespace

void LogLines::line(std::string_view text, const LineSink& take) {
  const std::string time = time_of(text);
  if (time.empty()) return take(text);
  text.remove_prefix(text.find(' ') + 1);
  if (time < last_) return;
  if (time > last_) {
    last_ = time;
    at_last_ = repeated_ = 0;
  }
  if (repeated_ < at_last_) {
    ++repeated_;
    return;
  }
  ++at_last_;
  repeated_ = at_last_;
  take(text);
}

void LogLines::feed(std::string_view bytes, const LineSink& take) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos || partial_.size() + end > kMaxLine) {
      const std::size_t part =
          std::min({bytes.size(), end, kMaxLine - std::min(kMaxLine, partial_.size())});
      partial_ += bytes.substr(0, part);
      bytes.remove_prefix(part);
      if (partial_.size() < kMaxLine) return;
      line(partial_, take);
      partial_.clear();
      continue;
    }
    partial_ += bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    line(partial_, take);
    partial_.clear();
  }
}

void LogLines::end(bool cut, const LineSink& take) {
  if (!cut && !partial_.empty()) line(partial_, take);
  partial_.clear();
  repeated_ = 0;
}

std::string LogLines::since() const { return last_; }

LogStream::LogStream(const kube::ClientConfig& config)
    : server_(config.server),
      transport_(http::make_transport({.tls = config.tls})),
      token_(config.token, config.token_file) {}

Result<void> LogStream::copy(const kube::ObjectKey& pod, bool follow,
                             std::optional<std::int64_t> tail_lines, const LineSink& take) {
  const std::string what = "logs of pod " + pod.to_string();
  http::Request request;
  // Names of namespaces and pods need no escaping: the API server takes no others.
  request.url = server_ + "/api/v1/namespaces/" + pod.name_space + "/pods/" + pod.name +
                "/log?container=builder&timestamps=true";
  if (follow) request.url += "&follow=true";
  if (!lines_.since().empty())
    request.url += "&sinceTime=" + escaped(lines_.since());
  else if (tail_lines)
    request.url += "&tailLines=" + std::to_string(*tail_lines);
  request.headers = {{"Accept", "*/*"}, {"User-Agent", "kubectl-imagebuild"}};
  const std::string token = TRY_CONTEXT(token_.token(), what);
  if (!token.empty()) request.headers.set("Authorization", "Bearer " + token);
  request.timeout = kSilence;
  request.sink = [&](const http::Response&, std::string_view bytes) -> Result<void> {
    lines_.feed(bytes, take);
    return {};
  };
  auto response = transport_->send(request);
  lines_.end(!response.ok(), take);
  if (!response) return std::move(response).error().context(what);
  if (!response->ok()) return Error(kube::api_error_from_response(what, *response));
  return {};
}

}  // namespace imagebuild::plugin
