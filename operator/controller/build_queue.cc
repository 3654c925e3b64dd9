#include "operator/controller/build_queue.h"

#include <algorithm>

namespace imagebuild::controller {

namespace {

std::size_t limit_of(int count) { return count <= 0 ? SIZE_MAX : static_cast<std::size_t>(count); }

}  // namespace

BuildQueue::BuildQueue(BuildLimits limits, const Clock& clock,
                       std::function<void(const kube::ObjectKey&)> wake)
    : total_(limit_of(limits.total)),
      per_namespace_(limit_of(limits.per_namespace)),
      clock_(clock),
      wake_(std::move(wake)) {}

void BuildQueue::hold(const kube::ObjectKey& key) {
  std::lock_guard lock(mutex_);
  forget_waiting_locked(key);
  take_locked(key);
}

// Whatever frees a slot grants it at once, so those who wait while one is free are of full
// namespaces, and nobody is overtaken here.
SlotAnswer BuildQueue::acquire(const kube::ObjectKey& key) {
  std::lock_guard lock(mutex_);
  if (holders_.contains(key)) return SlotAnswer::Granted;
  const bool full = is_full_locked(key.name_space);
  if (has_free_slot_locked() && !full && !since_.contains(key)) {
    take_locked(key);
    waited_[key] = 0;
    return SlotAnswer::Granted;
  }
  if (since_.emplace(key, clock_.now()).second) {
    auto& queue = waiting_[key.name_space];
    if (queue.empty()) turns_.push_back(key.name_space);
    queue.push_back(key);
  }
  return full && has_free_slot_locked() ? SlotAnswer::NamespaceFull : SlotAnswer::AllTaken;
}

void BuildQueue::release(const kube::ObjectKey& key) {
  std::vector<kube::ObjectKey> granted;
  {
    std::lock_guard lock(mutex_);
    forget_waiting_locked(key);
    waited_.erase(key);
    if (give_back_locked(key)) grant_locked(granted);
  }
  for (const kube::ObjectKey& next : granted) wake_(next);
}

double BuildQueue::take_wait(const kube::ObjectKey& key) {
  std::lock_guard lock(mutex_);
  auto it = waited_.find(key);
  if (it == waited_.end()) return -1;
  double seconds = it->second;
  waited_.erase(it);
  return seconds;
}

std::map<std::string, int> BuildQueue::waiting_by_namespace() const {
  std::lock_guard lock(mutex_);
  std::map<std::string, int> result;
  for (const auto& [name_space, queue] : waiting_)
    result[name_space] = static_cast<int>(queue.size());
  return result;
}

bool BuildQueue::is_full_locked(const std::string& name_space) const {
  auto held = held_by_namespace_.find(name_space);
  return held != held_by_namespace_.end() && held->second >= per_namespace_;
}

void BuildQueue::take_locked(const kube::ObjectKey& key) {
  if (holders_.insert(key).second) ++held_by_namespace_[key.name_space];
}

bool BuildQueue::give_back_locked(const kube::ObjectKey& key) {
  if (holders_.erase(key) == 0) return false;
  auto held = held_by_namespace_.find(key.name_space);
  if (--held->second == 0) held_by_namespace_.erase(held);
  return true;
}

// A granted object holds its slot from here on, so that nobody overtakes
// it before its worker asks again.
void BuildQueue::grant_locked(std::vector<kube::ObjectKey>& granted) {
  while (has_free_slot_locked()) {
    auto turn = std::find_if(turns_.begin(), turns_.end(),
                             [&](const std::string& each) { return !is_full_locked(each); });
    if (turn == turns_.end()) return;
    const std::string name_space = *turn;
    turns_.erase(turn);
    const kube::ObjectKey key = pop_waiting_locked(name_space);
    if (waiting_.contains(name_space)) turns_.push_back(name_space);
    waited_[key] = static_cast<double>((clock_.now() - since_[key]).count()) / 1000;
    since_.erase(key);
    take_locked(key);
    granted.push_back(key);
  }
}

kube::ObjectKey BuildQueue::pop_waiting_locked(const std::string& name_space) {
  auto waiting = waiting_.find(name_space);
  kube::ObjectKey key = waiting->second.front();
  waiting->second.pop_front();
  if (waiting->second.empty()) waiting_.erase(waiting);
  return key;
}

void BuildQueue::forget_waiting_locked(const kube::ObjectKey& key) {
  if (since_.erase(key) == 0) return;
  auto& queue = waiting_[key.name_space];
  queue.erase(std::remove(queue.begin(), queue.end(), key), queue.end());
  if (!queue.empty()) return;
  waiting_.erase(key.name_space);
  turns_.erase(std::remove(turns_.begin(), turns_.end(), key.name_space), turns_.end());
}

}  // namespace imagebuild::controller
