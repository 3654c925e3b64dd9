#include "operator/controller/identity.h"

#include <algorithm>

#include "common/base/json.h"
#include "common/base/sha256.h"

namespace imagebuild::controller {

std::string spec_hash(const api::Spec& spec) {
  Json affecting = api::spec_to_json(spec);
  for (const char* field :
       {"suspend", "retries", "timeout", "history", "pod", "registries", "tags", "budget"})
    affecting.erase(field);
  affecting["image"] = api::image_repository(spec);
  return sha256_hex(dump_json(affecting));
}

std::string source_identity(const api::Spec& spec, std::string_view commit) {
  const auto* git = std::get_if<api::GitSource>(&spec.source);
  if (git == nullptr) return "";
  if (!git->commit.empty()) return git->commit;
  if (!commit.empty()) return std::string(commit);
  if (!git->tag.empty()) return "tag:" + git->tag;
  return git->branch.empty() ? "HEAD" : "branch:" + git->branch;
}

Identity make_identity(const api::Spec& spec, std::string_view source, std::string_view token,
                       std::string_view uid) {
  Sha256 key;
  key.update_part(spec_hash(spec));
  key.update_part(source);
  key.update_part(token);
  Identity identity{.key = key.finish_hex(), .hash8 = {}};
  Sha256 name;
  name.update_part(identity.key);
  for (const std::string& tag : api::image_tags(spec)) name.update_part(tag);
  name.update_part(uid);
  identity.hash8 = name.finish_hex().substr(0, 8);
  return identity;
}

std::string pod_name(std::string_view name, std::string_view hash8, int attempt) {
  std::string result(name.substr(0, 44));
  std::replace(result.begin(), result.end(), '.', '-');
  while (!result.empty() && result.back() == '-') result.pop_back();
  return result + "-" + std::string(hash8) + "-" + std::to_string(attempt);
}

std::string immutable_tag(std::string_view commit, std::string_view hash8) {
  bool known =
      commit.size() >= 40 && commit.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return known ? "sha-" + std::string(commit.substr(0, 12)) + "-" + std::string(hash8)
               : "b-" + std::string(hash8);
}

std::vector<std::string> tags_to_push(const api::Spec& spec, std::string_view commit,
                                      std::string_view hash8) {
  std::vector<std::string> tags = {immutable_tag(commit, hash8)};
  for (const std::string& tag : api::image_tags(spec)) tags.push_back(tag);
  return tags;
}

}  // namespace imagebuild::controller
