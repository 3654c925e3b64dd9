#include "operator/runtime/informer.h"

#include <algorithm>

#include "common/base/wait.h"
#include "operator/runtime/steady_clock.h"

namespace imagebuild::runtime {

InformerCore::InformerCore(kube::Client& client, InformerOptions options,
                           Reflector::Projection project) {
  auto namespaces = options.namespaces;
  if (namespaces.empty()) namespaces.emplace_back();
  for (auto& name_space : namespaces) {
    ReflectorOptions reflector = options.reflector;
    reflector.type = options.type;
    reflector.name_space = std::move(name_space);
    reflector.label_selector = options.label_selector;
    auto tell = [this](const ObjectStore::Change& change, bool initial) {
      for (const auto& handler : handlers_) handler(change, initial);
    };
    reflectors_.push_back(
        std::make_unique<Reflector>(client, store_, std::move(reflector), project, tell));
  }
}

InformerCore::~InformerCore() { request_stop(); }  // all at once; threads_ joins them one by one

void InformerCore::start() {
  for (auto& reflector : reflectors_)
    threads_.emplace_back(
        [&reflector = *reflector](const std::stop_token& stop) { reflector.run(stop); });
}

void InformerCore::request_stop() {
  for (auto& thread : threads_) thread.request_stop();
}

bool InformerCore::has_synced() const {
  return std::all_of(reflectors_.begin(), reflectors_.end(),
                     [](const auto& reflector) { return reflector->has_synced(); });
}

bool InformerCore::wait_synced(const std::stop_token& stop, Duration timeout) const {
  TimePoint end = steady_clock().now() + timeout;
  while (!has_synced())
    if (steady_clock().now() >= end || !wait_for(Duration(5), stop)) return false;
  return true;
}

}  // namespace imagebuild::runtime
