// The newest known projection of every object of one kind. It keeps what the projection function
// made of an object, never its JSON. Readers share it with the informer; a projection is immutable
// once it is in here.
#pragma once

#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/kube/resource.h"

namespace imagebuild::runtime {

using kube::ObjectKey;
// Shared: the store, its readers and a running reconcile hold the same immutable value.
using ErasedProjection = std::shared_ptr<const void>;

class ObjectStore {
 public:
  struct Entry {
    std::string uid;
    std::string resource_version;
    ErasedProjection value;
  };
  /// What changed: before and after; either may be null, not both.
  struct Change {
    ObjectKey key;
    ErasedProjection before;
    ErasedProjection after;
  };

  ErasedProjection find(const ObjectKey& key) const;
  std::vector<std::pair<ObjectKey, ErasedProjection>> all() const;
  std::size_t size() const;
  /// True if this very version is in here already, so that it need not be projected again.
  bool holds(const ObjectKey& key, const std::string& uid,
             const std::string& resource_version) const;

  /// Puts an object in. No change if it is the same incarnation and version; two
  /// changes (gone, new) if the name was taken by another uid. A null value removes it
  /// (the projection does not want it).
  std::vector<Change> put(const ObjectKey& key, Entry entry);
  std::optional<Change> erase(const ObjectKey& key);
  /// Removes what is in `name_space` ("": everywhere) and not in `keep`:
  /// what a new list no longer has.
  std::vector<Change> erase_missing(const std::string& name_space,
                                    const std::unordered_set<ObjectKey>& keep);

 private:
  mutable std::shared_mutex mutex_;  // guards entries_
  std::unordered_map<ObjectKey, Entry> entries_;
};

}  // namespace imagebuild::runtime
