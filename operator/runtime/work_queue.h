// What has to be looked at next. A key is in the queue at most once however often it
// is added, and is handed to one worker at a time: added while it is being worked
// on, it comes again after done().
//
// Order: what a user caused before background work; within a priority the namespaces take
// turns, so that one namespace with a thousand objects does not starve the others; within
// a namespace first in, first out. There is no timer thread: workers that wait in get()
// wake for the next delayed key.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "common/kube/resource.h"

namespace imagebuild::runtime {

using kube::ObjectKey;

enum class Priority { User, Background };

/// Watches a queue for metrics. Called without locks held, from any thread.
class QueueObserver {
 public:
  virtual ~QueueObserver() = default;
  virtual void added(std::size_t depth) = 0;                     ///< a key was queued that was not
  virtual void started(std::size_t depth, Duration waited) = 0;  ///< a worker took it
  virtual void finished(Duration worked) = 0;
  virtual void retried() = 0;  ///< add_rate_limited was called
};

class WorkQueue {
 public:
  struct Options {
    const Clock* clock = nullptr;  ///< nullptr: steady time
    QueueObserver* observer = nullptr;
    Backoff backoff{
        .first = Duration(5), .factor = 2.0, .limit = Duration(1'000'000), .jitter = 0.0};
  };
  WorkQueue() : WorkQueue(Options{}) {}
  explicit WorkQueue(Options options);

  void add(const ObjectKey& key, Priority priority);
  /// Adds it when `delay` has passed. Of several delays for a key the earliest counts.
  void add_after(const ObjectKey& key, Duration delay, Priority priority);
  /// add_after() with the key's own back-off, which grows until forget().
  void add_rate_limited(const ObjectKey& key, Priority priority);
  void forget(const ObjectKey& key);
  unsigned failures(const ObjectKey& key) const;

  struct Item {
    ObjectKey key;
    Priority priority;
  };
  /// Waits for a key. nullopt: the stop token fired, or the queue was shut down and is drained.
  std::optional<Item> get(std::stop_token stop = {});
  /// The same without waiting: nullopt when nothing is due.
  std::optional<Item> try_get();
  /// Every key from get() must come back here.
  void done(const ObjectKey& key);

  /// Keys that are due and not being worked on.
  std::size_t depth() const;
  /// Nothing is accepted any more and delayed keys are dropped;
  /// get() hands out what is queued, then nullopt.
  void shut_down();

 private:
  struct Dirty {
    Priority priority;
    TimePoint since;
  };
  struct Delayed {
    ObjectKey key;
    Priority priority;
  };
  // One priority: namespaces with work, in turn.
  struct Lane {
    std::deque<std::string> turns;
    std::unordered_map<std::string, std::deque<ObjectKey>> keys;
  };

  // What one look at the queue found, reported to the observer without the lock.
  struct Look {
    std::optional<Item> item;
    std::size_t promoted = 0, depth = 0;
    Duration waited{};
  };

  bool add_locked(const ObjectKey& key, Priority priority);
  Look look_locked();
  Item take_locked(Lane& lane, Priority priority, Duration& waited);
  void push_locked(const ObjectKey& key, Priority priority);
  void remove_locked(const ObjectKey& key, Priority priority);
  void wake_locked();
  std::optional<Item> report(Look look);

  const Options options_;
  const Clock& clock_;

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable_any changed_;
  std::unordered_map<ObjectKey, Dirty> dirty_;  // queued, or to be queued when its worker is done
  std::unordered_map<ObjectKey, TimePoint> processing_;
  Lane lanes_[2];
  std::size_t queued_ = 0;  // keys in the lanes
  std::multimap<TimePoint, Delayed> delayed_;
  std::unordered_map<ObjectKey, std::multimap<TimePoint, Delayed>::iterator> delayed_by_key_;
  std::unordered_map<ObjectKey, unsigned> failures_;
  std::uint64_t changes_ = 0;  // what waiting workers compare to
  bool shut_down_ = false;
};

}  // namespace imagebuild::runtime
