#include "operator/controller/events.h"

#include <algorithm>
#include <cstdio>

namespace imagebuild::controller {
namespace {

constexpr double kBurst = 25;
constexpr double kPerSecond = 1.0 / 300;
constexpr std::size_t kMaxObjects = 4096;

std::string micro_time(TimePoint time) {
  std::string text = format_rfc3339(time);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%03d000Z",
                static_cast<int>(time.time_since_epoch().count() % 1000));
  return text.substr(0, text.size() - 1) + fraction;
}

}  // namespace

EventRecorder::EventRecorder(kube::Client& client, const Clock& clock, Logger log,
                             std::string instance)
    : client_(client), clock_(clock), log_(std::move(log)), instance_(std::move(instance)) {}

bool EventRecorder::allowed(const std::string& uid) {
  const TimePoint now = clock_.now();
  std::lock_guard lock(mutex_);
  if (buckets_.size() >= kMaxObjects && !buckets_.contains(uid)) buckets_.clear();
  Bucket& bucket = buckets_.try_emplace(uid, Bucket{kBurst, now}).first->second;
  bucket.tokens =
      std::min(kBurst, bucket.tokens +
                           static_cast<double>((now - bucket.filled).count()) / 1000 * kPerSecond);
  bucket.filled = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

void EventRecorder::record(const api::ImageBuild& object, const EventNote& note,
                           const std::stop_token& stop) {
  if (!allowed(object.uid)) return;
  Json event = {
      {"apiVersion", kube::kEvents.api_version()},
      {"kind", kube::kEvents.kind},
      {"metadata",
       {{"namespace", object.name_space},
        {"generateName", object.name.substr(0, 200) + "-"}}},  // a trailing "." is refused
      {"eventTime", micro_time(clock_.now())},
      {"reportingController", "imagebuild.dev/operator"},
      {"reportingInstance", instance_},
      {"action", note.reason},
      {"reason", note.reason},
      {"type", note.warning ? "Warning" : "Normal"},
      {"note", api::clip_back(note.note, 1000)},
      {"regarding",
       {{"apiVersion", api::kApiVersion},
        {"kind", api::kKind},
        {"namespace", object.name_space},
        {"name", object.name},
        {"uid", object.uid},
        {"resourceVersion", object.resource_version}}},
  };
  auto created = client_.create(kube::kEvents, event,
                                {.stop = stop, .timeout = Duration(5'000), .retries = 0});
  if (!created.ok())
    log_.warn("event not recorded", {{"reason", note.reason}, {"error", created.error().message}});
}

}  // namespace imagebuild::controller
