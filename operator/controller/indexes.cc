#include "operator/controller/indexes.h"

#include "common/oci/reference.h"

namespace imagebuild::controller {

void PodIndex::change(const Pointer& before, const Pointer& after) {
  std::lock_guard lock(mutex_);
  if (before) {
    auto it = pods_.find(before->owner_uid);
    if (it != pods_.end()) it->second.erase(before->name);
    if (it != pods_.end() && it->second.empty()) pods_.erase(it);
  }
  if (after) pods_[after->owner_uid][after->name] = after;
}

std::vector<PodView> PodIndex::pods_of(const std::string& owner_uid) const {
  std::lock_guard lock(mutex_);
  std::vector<PodView> result;
  auto it = pods_.find(owner_uid);
  if (it == pods_.end()) return result;
  for (const auto& [name, pod] : it->second) result.push_back(*pod);
  return result;
}

std::vector<PodIndex::Pointer> PodIndex::unfinished() const {
  std::lock_guard lock(mutex_);
  std::vector<Pointer> result;
  for (const auto& [uid, pods] : pods_)
    for (const auto& [name, pod] : pods)
      if (!pod->finished()) result.push_back(pod);
  return result;
}

std::vector<std::string> TagIndex::references(const api::ImageBuild& object) {
  std::vector<std::string> result;
  if (!object.spec.ok()) return result;
  auto repository = oci::Reference::parse(api::image_repository(*object.spec));
  if (!repository) return result;
  for (const std::string& tag : api::image_tags(*object.spec))
    result.push_back(repository->name() + ":" + tag);
  return result;
}

void TagIndex::change(const Pointer& before, const Pointer& after) {
  std::lock_guard lock(mutex_);
  if (before)
    for (const std::string& reference : references(*before)) {
      auto it = claims_.find(reference);
      if (it == claims_.end()) continue;
      it->second.erase({before->created_at, before->uid, before->key()});
      if (it->second.empty()) claims_.erase(it);
    }
  if (after && !after->deleting)
    for (const std::string& reference : references(*after))
      claims_[reference].insert({after->created_at, after->uid, after->key()});
}

std::vector<kube::ObjectKey> TagIndex::sharers(const api::ImageBuild& object) const {
  std::vector<kube::ObjectKey> keys;
  std::lock_guard lock(mutex_);
  for (const std::string& reference : references(object)) {
    auto it = claims_.find(reference);
    if (it == claims_.end()) continue;
    for (const Claim& claim : it->second) {
      const std::size_t slash = claim.key.find('/');
      if (claim.uid != object.uid)
        keys.push_back({claim.key.substr(0, slash), claim.key.substr(slash + 1)});
    }
  }
  return keys;
}

std::string TagIndex::older_owner(const api::ImageBuild& object) const {
  const Claim own{object.created_at, object.uid, object.key()};
  std::lock_guard lock(mutex_);
  for (const std::string& reference : references(object)) {
    auto it = claims_.find(reference);
    if (it == claims_.end() || it->second.empty()) continue;
    const Claim& oldest = *it->second.begin();
    if (oldest.uid != own.uid && oldest < own) return oldest.key;
  }
  return "";
}

}  // namespace imagebuild::controller
