// Two look-ups beside the informers' caches: the pods of an object, and the objects that push a
// tag. Fed by the informers' change handlers; thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/api/status.h"
#include "common/kube/resource.h"
#include "operator/controller/pod_view.h"

namespace imagebuild::controller {

class PodIndex {
 public:
  // Shared with the informer's store: the same immutable value.
  using Pointer = std::shared_ptr<const PodView>;
  void change(const Pointer& before, const Pointer& after);
  std::vector<PodView> pods_of(const std::string& owner_uid) const;
  /// Owners of pods that have not ended: who holds a build slot.
  std::vector<Pointer> unfinished() const;

 private:
  mutable std::mutex mutex_;                                              // guards pods_
  std::unordered_map<std::string, std::map<std::string, Pointer>> pods_;  // owner UID → pod name →
};

class TagIndex {
 public:
  using Pointer = std::shared_ptr<const api::ImageBuild>;
  void change(const Pointer& before, const Pointer& after);
  /// Others that push a tag of this one: who has to look again when it changes.
  std::vector<kube::ObjectKey> sharers(const api::ImageBuild& object) const;
  /// "namespace/name" of the oldest other object that pushes one of this one's tags and is older;
  /// "" if there is none.
  std::string older_owner(const api::ImageBuild& object) const;

 private:
  struct Claim {
    std::string created_at, uid, key;
    auto operator<=>(const Claim&) const = default;
  };
  static std::vector<std::string> references(const api::ImageBuild& object);

  mutable std::mutex mutex_;                                 // guards claims_
  std::unordered_map<std::string, std::set<Claim>> claims_;  // "registry/repository:tag" →
};

}  // namespace imagebuild::controller
