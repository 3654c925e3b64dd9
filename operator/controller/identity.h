// Which build is which. Two identities, both pure functions of what the object says:
//
//   key    sha256(build-affecting spec | source | rebuild token): decides whether to build
//   hash8  first 8 digits of sha256(key, tags, UID): names the pod, so that a restart or a
//   duplicate event cannot
//          build twice, and a deleted and re-created object never meets the pod of its predecessor
//
// Not build-affecting: suspend, retries, timeout, history, pod, registries' credentials.
// Tags enter hash8 only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/api/spec.h"

namespace imagebuild::controller {

/// Hash of the build-affecting part of a spec, 64 hex digits.
std::string spec_hash(const api::Spec& spec);

/// What stands for the source in the key: the commit if it is known, else the ref's name; "" for
/// inline files, which are part of the spec.
std::string source_identity(const api::Spec& spec, std::string_view commit);

struct Identity {
  std::string key;  ///< 64 hex digits
  std::string hash8;
};
/// `source` from source_identity().
Identity make_identity(const api::Spec& spec, std::string_view source, std::string_view token,
                       std::string_view uid);

/// NAME-HASH8-ATTEMPT, at most 63 bytes: the name is cut to 44, "." becomes "-".
std::string pod_name(std::string_view name, std::string_view hash8, int attempt);

/// "sha-1a2b3c4d5e6f-HASH8", or "b-HASH8" when the commit is not known: a tag that never moves, so
/// that registries that collect untagged manifests never eat what is deployed by digest.
std::string immutable_tag(std::string_view commit, std::string_view hash8);

/// Every tag a build pushes: the immutable one, then the spec's.
std::vector<std::string> tags_to_push(const api::Spec& spec, std::string_view commit,
                                      std::string_view hash8);

}  // namespace imagebuild::controller
