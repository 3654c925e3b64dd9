#include "common/contract/build_request.h"

#include <algorithm>

#include "common/api/field_reader.h"
#include "common/yaml/yaml.h"

namespace imagebuild::contract {
namespace {

using api::FieldErrors;
using api::FieldReader;

void put(Json& object, const char* field, const std::string& text) {
  if (!text.empty()) object[field] = text;
}

Json mounted_to_json(const MountedFile& file) { return {{"name", file.name}, {"path", file.path}}; }

Json files_to_json(const Files& files) {
  Json result = Json::object();
  for (const MountedFile& file : files.registry_auth)
    result["registryAuth"].push_back(mounted_to_json(file));
  if (files.registry_ca) result["registryCa"] = mounted_to_json(*files.registry_ca);
  if (files.git_auth) result["gitAuth"] = mounted_to_json(*files.git_auth);
  for (const MountedFile& file : files.build_secrets)
    result["buildSecrets"].push_back(mounted_to_json(file));
  return result;
}

Json registries_to_json(const RegistrySettings& registries) {
  Json result = Json::object();
  for (const Mirror& mirror : registries.mirrors)
    result["mirrors"].push_back({{"host", mirror.host}, {"url", mirror.url}});
  put(result, "ca", registries.ca);
  if (!registries.insecure.empty()) result["insecure"] = registries.insecure;
  return result;
}

Json resolved_to_json(const Resolved& resolved) {
  Json result = Json::object();
  put(result, "commit", resolved.commit);
  put(result, "revision", resolved.revision);
  for (const Base& base : resolved.bases)
    result["bases"].push_back(
        {{"ref", base.ref}, {"platform", base.platform}, {"digest", base.digest}});
  if (!resolved.tags.empty()) result["tags"] = resolved.tags;
  return result;
}

MountedFile read_mounted(FieldReader& reader) {
  MountedFile file{reader.required_text("name"), reader.required_text("path")};
  reader.finish();
  return file;
}

void read_run(FieldReader& root, Run& run) {
  root.object("run", [&](FieldReader& reader) {
    run.isolation = static_cast<api::Isolation>(reader.choice("isolation", {"Auto", "Overlay"}));
    run.baseline_bytes =
        static_cast<std::uint64_t>(reader.integer("baselineBytes", 0, INT64_MAX).value_or(0));
    reader.finish();
  });
}

void read_registries(FieldReader& root, RegistrySettings& registries) {
  root.object("registries", [&](FieldReader& reader) {
    reader.objects("mirrors", [&](FieldReader& item) {
      registries.mirrors.push_back({item.required_text("host"), item.required_text("url")});
      item.finish();
    });
    registries.ca = reader.text("ca");
    registries.insecure = reader.texts("insecure");
    reader.finish();
  });
}

void read_resolved(FieldReader& root, Resolved& resolved) {
  root.object("resolved", [&](FieldReader& reader) {
    resolved.commit = reader.text("commit");
    resolved.revision = reader.text("revision");
    reader.objects("bases", [&](FieldReader& item) {
      resolved.bases.push_back({item.required_text("ref"), item.required_text("platform"),
                                item.required_text("digest")});
      item.finish();
    });
    resolved.tags = reader.texts("tags");
    reader.finish();
  });
}

void read_files(FieldReader& root, Files& files) {
  root.object("files", [&](FieldReader& reader) {
    reader.objects("registryAuth",
                   [&](FieldReader& item) { files.registry_auth.push_back(read_mounted(item)); });
    reader.object("registryCa", [&](FieldReader& item) { files.registry_ca = read_mounted(item); });
    reader.object("gitAuth", [&](FieldReader& item) { files.git_auth = read_mounted(item); });
    reader.objects("buildSecrets",
                   [&](FieldReader& item) { files.build_secrets.push_back(read_mounted(item)); });
    reader.finish();
  });
}

void read_metadata(FieldReader& root, BuildRequest& request) {
  root.object("metadata",
              [&](FieldReader& metadata) {  // an API object's metadata: not ours to be strict about
                request.name_space = metadata.text("namespace");
                request.name = metadata.text("name");
              });
}

Result<BuildRequest> from_json(const Json& document) {
  FieldErrors errors;
  FieldReader root(document, "", errors);
  if (root.text("apiVersion") != api::kApiVersion)
    root.fail("apiVersion", "expected " + std::string(api::kApiVersion));
  std::string kind = root.text("kind");
  if (kind != "BuildRequest" && kind != api::kKind)
    root.fail("kind", "expected ImageBuild or BuildRequest");
  BuildRequest request;
  read_metadata(root, request);
  if (kind == "BuildRequest") {
    read_run(root, request.run);
    read_registries(root, request.registries);
    read_resolved(root, request.resolved);
    read_files(root, request.files);
  } else {
    root.raw("status");
  }
  Json spec = root.raw("spec");
  root.finish();
  if (errors.first) return *errors.first;
  request.spec = TRY(api::spec_from_json(spec));
  if (kind != "BuildRequest") request.run.isolation = request.spec.pod.isolation;
  return request;
}

}  // namespace

std::vector<std::string> push_references(const BuildRequest& request) {
  std::vector<std::string> references;
  const std::string repository = api::image_repository(request.spec);
  const auto tags =
      request.resolved.tags.empty() ? api::image_tags(request.spec) : request.resolved.tags;
  for (const std::string& tag : tags) references.push_back(repository + ":" + tag);
  return references;
}

std::vector<std::string> insecure_hosts(const BuildRequest& request) {
  std::vector<std::string> hosts = request.registries.insecure;
  for (const std::string& host : request.spec.registries.insecure)
    if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
  return hosts;
}

std::string encode_request(const BuildRequest& request) {
  Json spec = api::spec_to_json(request.spec);
  for (const char* field : {"suspend", "retries", "history", "pod"}) spec.erase(field);
  Json document = {
      {"apiVersion", api::kApiVersion}, {"kind", "BuildRequest"}, {"spec", std::move(spec)}};
  Json metadata = Json::object();
  put(metadata, "namespace", request.name_space);
  put(metadata, "name", request.name);
  if (!metadata.empty()) document["metadata"] = metadata;
  Json run = Json::object();
  if (request.run.isolation == api::Isolation::Overlay) run["isolation"] = "Overlay";
  if (request.run.baseline_bytes != 0) run["baselineBytes"] = request.run.baseline_bytes;
  const std::pair<const char*, Json> parts[] = {
      {"run", run},
      {"registries", registries_to_json(request.registries)},
      {"resolved", resolved_to_json(request.resolved)},
      {"files", files_to_json(request.files)}};
  for (const auto& [name, part] : parts)
    if (!part.empty()) document[name] = part;
  return dump_json(document);
}

Result<BuildRequest> parse_request(std::string_view text) {
  return from_json(TRY(parse_yaml(text)));
}

}  // namespace imagebuild::contract
