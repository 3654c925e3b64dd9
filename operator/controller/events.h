// events.k8s.io/v1 events about ImageBuilds: best effort, rate limited per object (25 at once, then
// one per 300 s), so that a controller in trouble does not flood etcd.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/kube/client.h"
#include "operator/controller/decide.h"

namespace imagebuild::controller {

class EventRecorder {
 public:
  EventRecorder(kube::Client& client, const Clock& clock, Logger log, std::string instance);
  void record(const api::ImageBuild& object, const EventNote& note, const std::stop_token& stop);

 private:
  struct Bucket {
    double tokens = 25;
    TimePoint filled;
  };
  bool allowed(const std::string& uid);

  kube::Client& client_;
  const Clock& clock_;
  const Logger log_;
  const std::string instance_;
  std::mutex mutex_;  // guards buckets_
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace imagebuild::controller
