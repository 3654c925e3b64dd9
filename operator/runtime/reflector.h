// Keeps an ObjectStore equal to a collection of the API server: list, then watch,
// for as long as it runs.
//
// List: pages of 500, no resourceVersion (a consistent read), every item projected and dropped; a
// continue token that expired starts the list again. Watch: with bookmarks, from the last
// resourceVersion, which is opaque and only ever handed back. A watch that ends or breaks is opened
// again from there; 410 or an ERROR event means a new list, whose difference to the kept store is
// reported, so that nothing is missed: deletions included.
#pragma once

#include <atomic>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "common/base/backoff.h"
#include "common/base/log.h"
#include "common/kube/client.h"
#include "operator/runtime/object_store.h"

namespace imagebuild::runtime {

struct ReflectorOptions {
  kube::ResourceType type = {};
  std::string name_space = {};  ///< "": all
  std::string label_selector = {};
  int page_size = 500;
  Duration min_watch{300'000};  ///< the server ends a watch after a random time between the two
  Duration max_watch{600'000};
  Backoff backoff{.first = Duration(800), .factor = 2.0, .limit = Duration(30'000), .jitter = 0.5};
  Logger log = {};
};

class Reflector {
 public:
  using Projection = std::function<ErasedProjection(const nlohmann::json& object)>;
  /// `initial`: the change comes from the first list.
  using OnChange = std::function<void(const ObjectStore::Change&, bool initial)>;

  Reflector(kube::Client& client, ObjectStore& store, ReflectorOptions options, Projection project,
            OnChange on_change);

  /// Runs until `stop`. Calls the projection and OnChange from this thread, without locks held.
  void run(const std::stop_token& stop);
  /// The first list is complete and reported.
  bool has_synced() const { return synced_; }

 private:
  void list(const std::stop_token& stop);
  kube::ApiResult<void> list_once(const std::stop_token& stop);
  void watch(const std::stop_token& stop);
  Result<void> handle(const kube::WatchEvent& event);
  void put(const nlohmann::json& object);
  void report(const std::vector<ObjectStore::Change>& changes);
  void back_off(const kube::ApiError& error, const std::stop_token& stop);

  kube::Client& client_;
  ObjectStore& store_;
  const ReflectorOptions options_;
  const Projection project_;
  const OnChange on_change_;
  std::string resource_version_;  // "": list first
  unsigned failures_ = 0;
  std::atomic<bool> synced_{false};
};

}  // namespace imagebuild::runtime
