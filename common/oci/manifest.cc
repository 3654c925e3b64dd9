#include "common/oci/manifest.h"

#include <nlohmann/json.hpp>

#include "common/oci/json_fields.h"

namespace imagebuild::oci {
namespace {

// A document that is both would mean different things to different readers (CVE-2021-41190).
Result<void> refuse_ambiguity(const Json& document) {
  if (document.contains("manifests") &&
      (document.contains("layers") || document.contains("config")))
    return fail(ErrorKind::InvalidInput, "claims to be a manifest and an index at once");
  return {};
}

Result<void> check_schema(const Json& document) {
  auto version = TRY(find_int(document, "schemaVersion"));
  if (version == 1 || document.contains("fsLayers"))
    return fail(
        ErrorKind::InvalidInput,
        "Docker schema 1 images are not supported: push the image again with a current tool");
  if (version != 2) return fail(ErrorKind::InvalidInput, "schemaVersion: expected 2");
  return {};
}

Result<std::vector<Descriptor>> descriptors(const Json& document, const char* field) {
  auto it = document.find(field);
  if (it == document.end() || !it->is_array())
    return fail(ErrorKind::InvalidInput, std::string(field) + ": expected a list");
  std::vector<Descriptor> list;
  for (const Json& item : *it)
    list.push_back(TRY_CONTEXT(Descriptor::from_json(item),
                               std::string(field) + "[" + std::to_string(list.size()) + "]"));
  return list;
}

Result<std::optional<Descriptor>> find_descriptor(const Json& document, const char* field) {
  auto it = document.find(field);
  if (it == document.end() || it->is_null()) return std::optional<Descriptor>();
  return std::optional(TRY_CONTEXT(Descriptor::from_json(*it), field));
}

Result<Json> parse_checked(std::string_view text, std::string_view what) {
  Json document = TRY(parse_document(text, kMaxManifestBytes, what));
  TRY_CONTEXT(refuse_ambiguity(document), what);
  TRY_CONTEXT(check_schema(document), what);
  return document;
}

Result<Manifest> manifest_from_json(const Json& document) {
  Manifest manifest;
  std::string type = TRY(string_or_empty(document, "mediaType"));
  if (!type.empty() && !media_type::is_manifest(type))
    return fail(ErrorKind::InvalidInput,
                "mediaType: '" + type.substr(0, 200) + "' is no image manifest");
  if (!type.empty()) manifest.media_type = type;
  manifest.artifact_type = TRY(string_or_empty(document, "artifactType"));
  auto config = TRY(find_descriptor(document, "config"));
  if (!config) return fail(ErrorKind::InvalidInput, "config: missing");
  manifest.config = *config;
  manifest.layers = TRY(descriptors(document, "layers"));
  manifest.subject = TRY(find_descriptor(document, "subject"));
  manifest.annotations = TRY(string_map(document, "annotations"));
  return manifest;
}

Result<Index> index_from_json(const Json& document) {
  Index index;
  std::string type = TRY(string_or_empty(document, "mediaType"));
  if (!type.empty() && !media_type::is_index(type))
    return fail(ErrorKind::InvalidInput,
                "mediaType: '" + type.substr(0, 200) + "' is no image index");
  if (!type.empty()) index.media_type = type;
  index.artifact_type = TRY(string_or_empty(document, "artifactType"));
  index.manifests = TRY(descriptors(document, "manifests"));
  index.subject = TRY(find_descriptor(document, "subject"));
  index.annotations = TRY(string_map(document, "annotations"));
  return index;
}

nlohmann::ordered_json list_to_json(const std::vector<Descriptor>& list) {
  auto out = nlohmann::ordered_json::array();
  for (const auto& descriptor : list) out.push_back(descriptor.to_json());
  return out;
}

std::string dump(const nlohmann::ordered_json& document) {
  return document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

Result<Manifest> Manifest::parse(std::string_view text) {
  Json document = TRY(parse_checked(text, "manifest"));
  return manifest_from_json(document).context("manifest");
}

std::string Manifest::serialise() const {
  nlohmann::ordered_json out;
  out["schemaVersion"] = 2;
  out["mediaType"] = media_type;
  if (!artifact_type.empty()) out["artifactType"] = artifact_type;
  out["config"] = config.to_json();
  out["layers"] = list_to_json(layers);
  if (subject) out["subject"] = subject->to_json();
  if (!annotations.empty()) out["annotations"] = annotations;
  return dump(out);
}

std::uint64_t Manifest::total_size() const {
  std::uint64_t total = config.size;
  for (const auto& layer : layers) total += layer.size;
  return total;
}

Result<Index> Index::parse(std::string_view text) {
  Json document = TRY(parse_checked(text, "index"));
  return index_from_json(document).context("index");
}

std::string Index::serialise() const {
  nlohmann::ordered_json out;
  out["schemaVersion"] = 2;
  out["mediaType"] = media_type;
  if (!artifact_type.empty()) out["artifactType"] = artifact_type;
  out["manifests"] = list_to_json(manifests);
  if (subject) out["subject"] = subject->to_json();
  if (!annotations.empty()) out["annotations"] = annotations;
  return dump(out);
}

Result<Descriptor> Index::choose(const Platform& wanted) const {
  const Descriptor* best = nullptr;
  int best_rank = 0;
  std::string available;
  for (const auto& manifest : manifests) {
    if (!manifest.platform) continue;
    auto rank = match_rank(wanted, *manifest.platform);
    if (rank && (best == nullptr || *rank < best_rank)) {
      best = &manifest;
      best_rank = *rank;
    }
    // Attestations stand in an index as unknown/unknown.
    if (manifest.platform->os != "unknown" && available.size() < 400)
      available += (available.empty() ? "" : ", ") + manifest.platform->to_string();
  }
  if (best != nullptr) return *best;
  // An index that names no platform and has one manifest leaves no choice.
  if (manifests.size() == 1 && !manifests.front().platform) return manifests.front();
  return fail(ErrorKind::NotFound, "no image for platform " + wanted.to_string() + "; there is " +
                                       (available.empty() ? "none" : available));
}

Result<std::string> detect_media_type(std::string_view text, std::string_view content_type) {
  Json document = TRY(parse_checked(text, "manifest"));
  std::string type = TRY(string_or_empty(document, "mediaType"));
  if (type.empty()) type = content_type.substr(0, content_type.find(';'));
  if (media_type::is_manifest(type) || media_type::is_index(type)) {
    if (media_type::is_index(type) != document.contains("manifests"))
      return fail(ErrorKind::InvalidInput, "manifest: its content does not fit its type " + type);
    return type;
  }
  if (document.contains("manifests")) return std::string(media_type::kIndex);
  if (document.contains("layers")) return std::string(media_type::kManifest);
  return fail(ErrorKind::InvalidInput,
              "manifest: '" + type.substr(0, 200) + "' is neither an image manifest nor an index");
}

}  // namespace imagebuild::oci
