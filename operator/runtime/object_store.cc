#include "operator/runtime/object_store.h"

#include <mutex>

namespace imagebuild::runtime {

ErasedProjection ObjectStore::find(const ObjectKey& key) const {
  std::shared_lock lock(mutex_);
  auto it = entries_.find(key);
  return it == entries_.end() ? nullptr : it->second.value;
}

std::vector<std::pair<ObjectKey, ErasedProjection>> ObjectStore::all() const {
  std::shared_lock lock(mutex_);
  std::vector<std::pair<ObjectKey, ErasedProjection>> result;
  result.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) result.emplace_back(key, entry.value);
  return result;
}

std::size_t ObjectStore::size() const {
  std::shared_lock lock(mutex_);
  return entries_.size();
}

bool ObjectStore::holds(const ObjectKey& key, const std::string& uid,
                        const std::string& resource_version) const {
  std::shared_lock lock(mutex_);
  auto it = entries_.find(key);
  return it != entries_.end() && it->second.uid == uid &&
         it->second.resource_version == resource_version;
}

std::vector<ObjectStore::Change> ObjectStore::put(const ObjectKey& key, Entry entry) {
  std::unique_lock lock(mutex_);
  auto it = entries_.find(key);
  if (it == entries_.end()) {
    if (!entry.value) return {};
    auto after = entry.value;
    entries_.emplace(key, std::move(entry));
    return {{key, nullptr, std::move(after)}};
  }
  if (!entry.value) {
    Change gone{key, std::move(it->second.value), nullptr};
    entries_.erase(it);
    return {std::move(gone)};
  }
  bool same_object = it->second.uid == entry.uid;
  if (same_object && it->second.resource_version == entry.resource_version) return {};
  auto before = std::exchange(it->second, std::move(entry)).value;
  const auto& after = it->second.value;
  if (same_object) return {{key, std::move(before), after}};
  return {{key, std::move(before), nullptr}, {key, nullptr, after}};
}

std::optional<ObjectStore::Change> ObjectStore::erase(const ObjectKey& key) {
  std::unique_lock lock(mutex_);
  auto it = entries_.find(key);
  if (it == entries_.end()) return std::nullopt;
  Change gone{key, std::move(it->second.value), nullptr};
  entries_.erase(it);
  return gone;
}

std::vector<ObjectStore::Change> ObjectStore::erase_missing(
    const std::string& name_space, const std::unordered_set<ObjectKey>& keep) {
  std::unique_lock lock(mutex_);
  std::vector<Change> changes;
  for (auto it = entries_.begin(); it != entries_.end();) {
    bool ours = name_space.empty() || it->first.name_space == name_space;
    if (!ours || keep.contains(it->first)) {
      ++it;
      continue;
    }
    changes.push_back({it->first, std::move(it->second.value), nullptr});
    it = entries_.erase(it);
  }
  return changes;
}

}  // namespace imagebuild::runtime
