// Names of things in the API server: which collection (ResourceType), which object (ObjectKey).
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace imagebuild::kube {

/// A collection: group "" is the core group; `namespaced` false for cluster-wide kinds.
struct ResourceType {
  std::string group = {};
  std::string version = {};
  std::string plural = {};
  std::string kind = {};
  bool namespaced = true;

  /// "v1" or "group/version", as in apiVersion.
  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
};

inline const ResourceType kPods{"", "v1", "pods", "Pod"};
inline const ResourceType kNamespaces{"", "v1", "namespaces", "Namespace", false};
inline const ResourceType kSecrets{"", "v1", "secrets", "Secret"};
inline const ResourceType kEvents{"events.k8s.io", "v1", "events", "Event"};
inline const ResourceType kLeases{"coordination.k8s.io", "v1", "leases", "Lease"};
inline const ResourceType kImageBuilds{"imagebuild.dev", "v1alpha1", "imagebuilds", "ImageBuild"};

/// One object within its collection. Cluster-wide objects have no namespace.
struct ObjectKey {
  std::string name_space;
  std::string name;

  auto operator<=>(const ObjectKey&) const = default;
  /// "namespace/name", or the name alone.
  std::string to_string() const { return name_space.empty() ? name : name_space + "/" + name; }
};

}  // namespace imagebuild::kube

template <>
struct std::hash<imagebuild::kube::ObjectKey> {
  std::size_t operator()(const imagebuild::kube::ObjectKey& key) const noexcept {
    return std::hash<std::string>{}(key.name_space) * 1'000'003u ^
           std::hash<std::string>{}(key.name);
  }
};
