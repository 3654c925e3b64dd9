// Informer<T>: a typed, always current cache of one kind, with handlers for what changes.
//
//   Informer<BuildView> builds(client, {.type = kube::kImageBuilds}, project_build);
//   builds.on_change([&](const auto& change) { queue.add(change.key, Priority::User); });
//   builds.start();
//   …
//   auto view = builds.find(key);   // shared_ptr<const BuildView> or null
//
// One thread a namespace (one for all when none is named). Handlers run in that thread, changes of
// one object in order; they should only put keys into queues. The destructor stops the threads and
// joins them; a blocked read ends at once because the stop token goes down to the transport.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "operator/runtime/reflector.h"

namespace imagebuild::runtime {

struct InformerOptions {
  kube::ResourceType type;
  std::vector<std::string> namespaces = {};  ///< empty: all
  std::string label_selector = {};
  ReflectorOptions reflector =
      {};  ///< the rest; type, name_space and label_selector are set from above
};

/// The part that does not depend on T.
class InformerCore {
 public:
  InformerCore(kube::Client& client, InformerOptions options, Reflector::Projection project);
  ~InformerCore();

  /// Before start() only.
  void on_change(Reflector::OnChange handler) { handlers_.push_back(std::move(handler)); }
  void start();
  void request_stop();
  bool has_synced() const;
  /// Waits until the first list of every namespace is in. False: stopped or timed out.
  bool wait_synced(const std::stop_token& stop, Duration timeout = Duration(120'000)) const;
  const ObjectStore& store() const { return store_; }

 private:
  ObjectStore store_;
  std::vector<Reflector::OnChange> handlers_;
  std::vector<std::unique_ptr<Reflector>> reflectors_;
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

template <typename T>
class Informer {
 public:
  // Shared: the store and whoever read it hold the same immutable value.
  using Pointer = std::shared_ptr<const T>;
  struct Change {
    ObjectKey key;
    Pointer before;  ///< null: added
    Pointer after;   ///< null: deleted
    bool initial;    ///< from the first list
  };

  /// `project` makes the value that is kept; null leaves the object out.
  Informer(kube::Client& client, InformerOptions options,
           std::function<Pointer(const nlohmann::json&)> project)
      : core_(client, std::move(options),
              [project = std::move(project)](const nlohmann::json& object) -> ErasedProjection {
                return project(object);
              }) {}

  void on_change(std::function<void(const Change&)> handler) {
    core_.on_change(
        [handler = std::move(handler)](const ObjectStore::Change& change, bool initial) {
          handler({change.key, cast(change.before), cast(change.after), initial});
        });
  }
  void start() { core_.start(); }
  void request_stop() { core_.request_stop(); }
  bool has_synced() const { return core_.has_synced(); }
  bool wait_synced(const std::stop_token& stop, Duration timeout = Duration(120'000)) const {
    return core_.wait_synced(stop, timeout);
  }

  Pointer find(const ObjectKey& key) const { return cast(core_.store().find(key)); }
  std::vector<std::pair<ObjectKey, Pointer>> all() const {
    std::vector<std::pair<ObjectKey, Pointer>> result;
    for (auto& [key, value] : core_.store().all()) result.emplace_back(key, cast(value));
    return result;
  }
  std::size_t size() const { return core_.store().size(); }

 private:
  static Pointer cast(const ErasedProjection& value) {
    return std::static_pointer_cast<const T>(value);
  }
  InformerCore core_;
};

}  // namespace imagebuild::runtime
