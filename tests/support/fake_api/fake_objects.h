// The state behind FakeApi: objects with resourceVersion, generation, uid and owners, and the
// history that watches replay. One lock, no I/O; the rules are those of the real server as far as a
// controller can notice them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/kube/resource.h"

namespace imagebuild::testing {

using nlohmann::json;

/// "group/version/plural"; namespace and name select within it.
struct FakePath {
  std::string collection;
  std::string name_space;
  std::string name;
  std::string subresource;
};

/// A refusal: HTTP code, Status.reason and message.
struct FakeRefusal {
  int code = 500;
  std::string reason;
  std::string message;
};

struct FakeReply {
  std::optional<FakeRefusal> refusal;
  json object;
};

class FakeObjects {
 public:
  FakeReply get(const FakePath& path) const;
  FakeReply create(const FakePath& path, json object);
  /// PUT; with subresource "status" only status changes.
  FakeReply replace(const FakePath& path, json object);
  /// Merge patch.
  FakeReply patch(const FakePath& path, const json& body);
  /// Server-side apply: creates what is missing, removes what `manager` applied before and does not
  /// any more.
  FakeReply apply(const FakePath& path, const json& body, const std::string& manager);
  FakeReply remove(const FakePath& path, const json& options);
  /// One page: {"metadata": {resourceVersion, continue}, "items": []}.
  FakeReply list(const FakePath& path, const std::string& label_selector, int limit,
                 const std::string& continue_token);

  struct Event {
    std::uint64_t version;
    std::string type;
    std::string collection;
    std::string name_space;
    json object;
    json before;  ///< null for ADDED; for selectors that match one side only
  };
  /// Where one watch stands.
  struct Subscription {
    FakePath path;
    std::string label_selector;
    std::uint64_t version = 0;
    std::uint64_t cuts = 0, bookmarks = 0;
  };
  enum class Step { Nothing, Event, Bookmark, Cut };
  /// What the watch gets next; waits up to 20 ms. `type` and `object` are set for Event, `object`
  /// for Bookmark.
  Step next(Subscription& subscription, std::string& type, json& object);
  /// A watch that starts now. `version` "": from now on. nullopt: that history is gone (410).
  std::optional<Subscription> subscribe(const FakePath& path, std::string label_selector,
                                        const std::string& version) const;

  void compact();
  void cut_watches();
  void send_bookmarks();

  /// Everything but the resourceVersion as it is given, status included: the test speaks for
  /// kubelet and user.
  json put(const std::string& collection, json object);
  std::vector<json> all(const std::string& collection) const;
  void set_hold_deletion(bool hold);
  /// Removes an object whatever its finalizers or grace period say.
  bool erase(const FakePath& path);

 private:
  struct Key {
    std::string collection, name_space, name;
    auto operator<=>(const Key&) const = default;
  };
  static Key key_of(const FakePath& path) { return {path.collection, path.name_space, path.name}; }
  json record_locked(const Key& key, const char* type, json object, const json& before);
  FakeReply create_locked(const FakePath& path, json object);
  FakeReply write_locked(const Key& key, json after, bool status_only);
  void begin_deletion_locked(const Key& key, bool now);
  void erase_locked(const Key& key);
  void collect_orphans_locked();

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::map<Key, json> objects_;
  std::map<std::string, json>
      applied_;  // what a manager applied last, by key, subresource and manager
  std::deque<Event> history_;
  std::uint64_t version_ = 100;
  std::uint64_t compacted_ = 0;  // events up to this version are forgotten for new watches
  std::uint64_t uids_ = 0, cuts_ = 0, bookmarks_ = 0;
  bool hold_deletion_ = false;
};

/// "a=b,c!=d,e,!f"; the empty selector selects everything.
bool matches_labels(const json& object, const std::string& selector);

}  // namespace imagebuild::testing
