#include "operator/runtime/work_queue.h"

#include <algorithm>

#include "operator/runtime/steady_clock.h"

namespace imagebuild::runtime {

WorkQueue::WorkQueue(Options options)
    : options_(options), clock_(options.clock ? *options.clock : steady_clock()) {}

void WorkQueue::add(const ObjectKey& key, Priority priority) {
  std::size_t depth = 0;
  {
    std::lock_guard lock(mutex_);
    if (!add_locked(key, priority)) return;
    depth = queued_;
  }
  if (options_.observer) options_.observer->added(depth);
}

// True if the key is newly dirty.
bool WorkQueue::add_locked(const ObjectKey& key, Priority priority) {
  if (shut_down_) return false;
  bool processing = processing_.contains(key);
  auto [it, added] = dirty_.try_emplace(key, Dirty{priority, clock_.now()});
  if (!added) {
    if (priority >= it->second.priority) return false;
    if (!processing) remove_locked(key, it->second.priority);  // it moves up
    it->second.priority = priority;
  }
  if (!processing) push_locked(key, priority);
  return added;
}

void WorkQueue::push_locked(const ObjectKey& key, Priority priority) {
  Lane& lane = lanes_[static_cast<int>(priority)];
  auto& keys = lane.keys[key.name_space];
  if (keys.empty()) lane.turns.push_back(key.name_space);
  keys.push_back(key);
  ++queued_;
  wake_locked();
}

void WorkQueue::remove_locked(const ObjectKey& key, Priority priority) {
  Lane& lane = lanes_[static_cast<int>(priority)];
  auto it = lane.keys.find(key.name_space);
  if (it == lane.keys.end() || std::erase(it->second, key) == 0) return;
  --queued_;
  if (!it->second.empty()) return;
  lane.keys.erase(it);
  std::erase(lane.turns, key.name_space);
}

void WorkQueue::wake_locked() {
  ++changes_;
  changed_.notify_all();
}

void WorkQueue::add_after(const ObjectKey& key, Duration delay, Priority priority) {
  if (delay <= Duration::zero()) return add(key, priority);
  std::lock_guard lock(mutex_);
  if (shut_down_) return;
  TimePoint due = clock_.now() + delay;
  if (auto it = delayed_by_key_.find(key); it != delayed_by_key_.end()) {
    due = std::min(due, it->second->first);
    priority = std::min(priority, it->second->second.priority);
    delayed_.erase(it->second);
  }
  delayed_by_key_[key] = delayed_.emplace(due, Delayed{key, priority});
  wake_locked();  // it may be due before what workers wait for
}

void WorkQueue::add_rate_limited(const ObjectKey& key, Priority priority) {
  Duration delay;
  {
    std::lock_guard lock(mutex_);
    delay = options_.backoff.delay(failures_[key]++, random_unit());
  }
  if (options_.observer) options_.observer->retried();
  add_after(key, delay, priority);
}

void WorkQueue::forget(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  failures_.erase(key);
}

unsigned WorkQueue::failures(const ObjectKey& key) const {
  std::lock_guard lock(mutex_);
  auto it = failures_.find(key);
  return it == failures_.end() ? 0 : it->second;
}

WorkQueue::Item WorkQueue::take_locked(Lane& lane, Priority priority, Duration& waited) {
  std::string name_space = std::move(lane.turns.front());
  lane.turns.pop_front();
  auto keys = lane.keys.find(name_space);
  Item item{std::move(keys->second.front()), priority};
  keys->second.pop_front();
  if (keys->second.empty())
    lane.keys.erase(keys);
  else
    lane.turns.push_back(std::move(name_space));
  --queued_;
  auto dirty = dirty_.find(item.key);
  waited = clock_.now() - dirty->second.since;
  dirty_.erase(dirty);
  processing_[item.key] = clock_.now();
  return item;
}

WorkQueue::Look WorkQueue::look_locked() {
  Look look;
  TimePoint now = clock_.now();
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    Delayed due = std::move(delayed_.begin()->second);
    delayed_.erase(delayed_.begin());
    delayed_by_key_.erase(due.key);
    look.promoted += add_locked(due.key, due.priority);
  }
  for (Priority priority : {Priority::User, Priority::Background}) {
    Lane& lane = lanes_[static_cast<int>(priority)];
    if (lane.turns.empty()) continue;
    look.item = take_locked(lane, priority, look.waited);
    break;
  }
  look.depth = queued_;
  return look;
}

std::optional<WorkQueue::Item> WorkQueue::report(Look look) {
  if (!options_.observer) return std::move(look.item);
  for (; look.promoted > 0; --look.promoted) options_.observer->added(look.depth);
  if (look.item) options_.observer->started(look.depth, look.waited);
  return std::move(look.item);
}

std::optional<WorkQueue::Item> WorkQueue::try_get() {
  std::unique_lock lock(mutex_);
  Look look = look_locked();
  lock.unlock();
  return report(std::move(look));
}

std::optional<WorkQueue::Item> WorkQueue::get(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    Look look = look_locked();
    if (look.item || look.promoted > 0) {
      lock.unlock();
      if (auto item = report(std::move(look))) return item;
      lock.lock();
      continue;
    }
    if (shut_down_) return std::nullopt;
    auto changed = [this, seen = changes_] { return changes_ != seen; };
    if (delayed_.empty())
      changed_.wait(lock, stop, changed);
    else
      changed_.wait_for(lock, stop, delayed_.begin()->first - clock_.now(), changed);
  }
  return std::nullopt;
}

void WorkQueue::done(const ObjectKey& key) {
  Duration worked{};
  {
    std::lock_guard lock(mutex_);
    auto it = processing_.find(key);
    if (it == processing_.end()) return;
    worked = clock_.now() - it->second;
    processing_.erase(it);
    if (auto dirty = dirty_.find(key); dirty != dirty_.end())
      push_locked(key, dirty->second.priority);
  }
  if (options_.observer) options_.observer->finished(worked);
}

std::size_t WorkQueue::depth() const {
  std::lock_guard lock(mutex_);
  return queued_;
}

void WorkQueue::shut_down() {
  std::lock_guard lock(mutex_);
  shut_down_ = true;
  delayed_.clear();
  delayed_by_key_.clear();
  wake_locked();
}

}  // namespace imagebuild::runtime
