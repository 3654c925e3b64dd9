// Build slots: at most N objects build at once. Who asked first builds first, namespaces taking
// turns. In memory: who holds a slot after a restart is read from the pods (hold()).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "common/base/clock.h"
#include "common/kube/resource.h"

namespace imagebuild::controller {

class BuildQueue {
 public:
  /// `wake` is called, without locks held, for an object whose turn has come.
  BuildQueue(int limit, const Clock& clock, std::function<void(const kube::ObjectKey&)> wake);

  /// Takes a slot without asking: this object has a pod already.
  void hold(const kube::ObjectKey& key);
  /// A slot, or a place in the queue. Asking again keeps the place.
  bool acquire(const kube::ObjectKey& key);
  /// Gives slot or place back; the next in turn is woken.
  void release(const kube::ObjectKey& key);
  /// Seconds the object waited for the slot it holds now; told once, -1 after that.
  double take_wait(const kube::ObjectKey& key);

  std::map<std::string, int> waiting_by_namespace() const;

 private:
  void grant_locked(std::deque<kube::ObjectKey>& granted);
  void forget_waiting_locked(const kube::ObjectKey& key);

  const std::size_t limit_;
  const Clock& clock_;
  const std::function<void(const kube::ObjectKey&)> wake_;

  mutable std::mutex mutex_;  // guards everything below
  std::unordered_set<kube::ObjectKey> holders_;
  std::unordered_map<kube::ObjectKey, TimePoint> since_;  // waiting
  std::unordered_map<kube::ObjectKey, double> waited_;    // holding, not told yet
  std::map<std::string, std::deque<kube::ObjectKey>> waiting_;
  std::deque<std::string> turns_;
};

}  // namespace imagebuild::controller
