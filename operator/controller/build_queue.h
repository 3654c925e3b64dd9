// Build slots: at most so many objects build at once, in all and of each namespace. Who asked first
// builds first, namespaces taking turns; one at its own limit keeps its turn and lets others by.
// In memory: who holds a slot after a restart is read from the pods (hold()).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/base/clock.h"
#include "common/kube/resource.h"

namespace imagebuild::controller {

struct BuildLimits {
  int total = 10;         ///< 0: none
  int per_namespace = 0;  ///< 0: none
};

enum class SlotAnswer {
  Granted,
  AllTaken,       ///< as many build as may at once
  NamespaceFull,  ///< a slot is free, but the namespace has as many as it may
};

class BuildQueue {
 public:
  /// `wake` is called, without locks held, for an object whose turn has come.
  BuildQueue(BuildLimits limits, const Clock& clock,
             std::function<void(const kube::ObjectKey&)> wake);

  /// Takes a slot without asking: this object has a pod already.
  void hold(const kube::ObjectKey& key);
  /// A slot, or a place in the queue. Asking again keeps the place.
  SlotAnswer acquire(const kube::ObjectKey& key);
  /// Gives slot or place back; the next in turn is woken.
  void release(const kube::ObjectKey& key);
  /// Seconds the object waited for the slot it holds now; told once, -1 after that.
  double take_wait(const kube::ObjectKey& key);

  std::map<std::string, int> waiting_by_namespace() const;

 private:
  bool has_free_slot_locked() const { return holders_.size() < total_; }
  bool is_full_locked(const std::string& name_space) const;
  void take_locked(const kube::ObjectKey& key);
  bool give_back_locked(const kube::ObjectKey& key);
  void grant_locked(std::vector<kube::ObjectKey>& granted);
  kube::ObjectKey pop_waiting_locked(const std::string& name_space);
  void forget_waiting_locked(const kube::ObjectKey& key);

  const std::size_t total_, per_namespace_;
  const Clock& clock_;
  const std::function<void(const kube::ObjectKey&)> wake_;

  mutable std::mutex mutex_;  // guards everything below
  std::unordered_set<kube::ObjectKey> holders_;
  std::unordered_map<std::string, std::size_t> held_by_namespace_;
  std::unordered_map<kube::ObjectKey, TimePoint> since_;  // waiting
  std::unordered_map<kube::ObjectKey, double> waited_;    // holding, not told yet
  std::map<std::string, std::deque<kube::ObjectKey>> waiting_;
  std::deque<std::string> turns_;  // every namespace of waiting_, once
};

}  // namespace imagebuild::controller
