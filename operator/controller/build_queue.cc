#include "operator/controller/build_queue.h"

#include <algorithm>

namespace imagebuild::controller {

BuildQueue::BuildQueue(int limit, const Clock& clock,
                       std::function<void(const kube::ObjectKey&)> wake)
    : limit_(limit <= 0 ? SIZE_MAX : static_cast<std::size_t>(limit)),
      clock_(clock),
      wake_(std::move(wake)) {}

void BuildQueue::hold(const kube::ObjectKey& key) {
  std::lock_guard lock(mutex_);
  forget_waiting_locked(key);
  holders_.insert(key);
}

bool BuildQueue::acquire(const kube::ObjectKey& key) {
  std::lock_guard lock(mutex_);
  if (holders_.contains(key)) return true;
  if (since_.empty() && holders_.size() < limit_) {
    holders_.insert(key);
    waited_[key] = 0;
    return true;
  }
  if (since_.emplace(key, clock_.now()).second) {
    auto& queue = waiting_[key.name_space];
    if (queue.empty()) turns_.push_back(key.name_space);
    queue.push_back(key);
  }
  return false;
}

void BuildQueue::release(const kube::ObjectKey& key) {
  std::deque<kube::ObjectKey> granted;
  {
    std::lock_guard lock(mutex_);
    forget_waiting_locked(key);
    waited_.erase(key);
    holders_.erase(key);
    grant_locked(granted);
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

// A granted object holds its slot from here on, so that nobody overtakes
// it before its worker asks again.
void BuildQueue::grant_locked(std::deque<kube::ObjectKey>& granted) {
  while (holders_.size() < limit_ && !turns_.empty()) {
    std::string name_space = turns_.front();
    turns_.pop_front();
    auto& queue = waiting_[name_space];
    kube::ObjectKey key = queue.front();
    queue.pop_front();
    if (queue.empty())
      waiting_.erase(name_space);
    else
      turns_.push_back(name_space);
    waited_[key] = static_cast<double>((clock_.now() - since_[key]).count()) / 1000;
    since_.erase(key);
    holders_.insert(key);
    granted.push_back(key);
  }
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
