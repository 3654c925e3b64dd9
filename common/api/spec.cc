#include "common/api/spec.h"

#include <algorithm>
#include <charconv>

#include "common/api/field_reader.h"
#include "common/api/names.h"
#include "common/oci/reference.h"

namespace imagebuild::api {
namespace {

constexpr std::size_t kMaxInline = 64 << 10;
constexpr std::size_t kMaxList = 64;
constexpr std::size_t kMaxText = 2048;

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 255 && is_made_of(host, ".-:[]_") && host.front() != '-';
}

// git-check-ref-format's rules, as far as they protect the command line and the wire.
bool is_ref_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name.front() != '-' && name.front() != '/' &&
         name.back() != '/' && name.back() != '.' && name.find("..") == name.npos &&
         name.find("//") == name.npos && name.find("@{") == name.npos &&
         std::none_of(name.begin(), name.end(), [](unsigned char c) {
           return c <= 0x20 || c == 0x7f ||
                  std::string_view("~^:?*[\\").find(static_cast<char>(c)) != std::string_view::npos;
         });
}

// The operator resolves refs itself: nobody may aim it at the cloud's metadata service. Names are
// checked again when they are resolved.
bool is_link_local(std::string_view host) {
  return host.starts_with("169.254.") || host.starts_with("[fe80:") || host.starts_with("[FE80:");
}

void check_git_url(FieldReader& git, const std::string& url) {
  std::string_view rest = url;
  if (rest.starts_with("https://"))
    rest.remove_prefix(8);
  else if (rest.starts_with("http://"))
    rest.remove_prefix(7);
  else
    return git.fail("url", "expected http:// or https:// (other transports are not supported)");
  std::string_view host = rest.substr(0, rest.find('/'));
  if (url.size() > kMaxText ||
      !std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; }))
    return git.fail("url", "not a URL");
  if (host.find('@') != host.npos)
    return git.fail("url", "must not contain credentials; use secretRef");
  if (!is_host(host)) return git.fail("url", "its host name is not valid");
  if (is_link_local(host)) git.fail("url", "link-local addresses are refused");
}

std::string read_name(FieldReader& parent, const char* field) {
  std::string name;
  parent.object(field, [&](FieldReader& reference) {
    name = reference.required_text("name");
    if (!name.empty() && !is_object_name(name)) reference.fail("name", "not a valid object name");
    reference.finish();
  });
  return name;
}

GitSource read_git(FieldReader& git) {
  GitSource source;
  source.url = git.required_text("url");
  if (!source.url.empty()) check_git_url(git, source.url);
  git.object("ref", [&](FieldReader& ref) {
    source.branch = ref.text("branch");
    source.tag = ref.text("tag");
    source.commit = ref.text("commit");
    if (!source.branch.empty() + !source.tag.empty() + !source.commit.empty() != 1)
      git.fail("ref", "exactly one of branch, tag, commit");
    if (!source.branch.empty() && !is_ref_name(source.branch))
      ref.fail("branch", "not a valid branch name");
    if (!source.tag.empty() && !is_ref_name(source.tag)) ref.fail("tag", "not a valid tag name");
    bool hex = source.commit.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!source.commit.empty() &&
        (!hex || (source.commit.size() != 40 && source.commit.size() != 64)))
      ref.fail("commit", "expected 40 or 64 lower-case hexadecimal digits");
    ref.finish();
  });
  source.secret_ref = read_name(git, "secretRef");
  git.finish();
  return source;
}

InlineSource read_inline(FieldReader& reader) {
  InlineSource source;
  source.files = reader.text_map("files");
  std::size_t bytes = 0;
  for (const auto& [path, content] : source.files) {
    bytes += path.size() + content.size();
    if (!is_relative_path(path)) reader.fail("files." + path.substr(0, 64), "not a relative path");
  }
  if (source.files.empty()) reader.fail("files", "must not be empty");
  if (bytes > kMaxInline) reader.fail("files", "more than 64 KiB in all");
  reader.finish();
  return source;
}

OciSource read_oci(FieldReader& reader) {
  OciSource source{.ref = reader.required_text("ref")};
  if (!source.ref.empty()) {
    auto reference = oci::Reference::parse(source.ref);
    if (!reference)
      reader.fail("ref", reference.error().message);
    else if (!reference->digest)
      reader.fail("ref", "must name a digest (repository@sha256:…): a tag may move");
    else if (is_link_local(reference->registry))
      reader.fail("ref", "link-local addresses are refused");
  }
  reader.finish();
  return source;
}

SourceSpec read_source(FieldReader& spec) {
  SourceSpec source = InlineSource{};
  if (!spec.has("source")) spec.fail("source", "is required");
  spec.object("source", [&](FieldReader& reader) {
    if (reader.has("git") + reader.has("inline") + reader.has("oci") != 1)
      spec.fail("source", "exactly one of git, inline, oci");
    reader.object("git", [&](FieldReader& git) { source = read_git(git); });
    reader.object("inline", [&](FieldReader& files) { source = read_inline(files); });
    reader.object("oci", [&](FieldReader& artifact) { source = read_oci(artifact); });
    reader.finish();
  });
  return source;
}

std::string read_path(FieldReader& spec, const char* field) {
  std::string path = spec.text(field);
  if (!path.empty() && !is_relative_path(path))
    spec.fail(field, "not a relative path below the source");
  return path;
}

void read_image(FieldReader& spec, Spec& result) {
  result.image = spec.required_text("image");
  if (!result.image.empty()) {
    auto reference = oci::Reference::parse(result.image);
    if (!reference)
      spec.fail("image", reference.error().message);
    else if (reference->digest)
      spec.fail("image", "must not name a digest: the build makes it");
  }
  result.tags = spec.texts("tags");
  if (result.tags.size() > kMaxList) spec.fail("tags", "more than 64");
  for (const std::string& tag : result.tags)
    if (!oci::is_valid_tag(tag))
      spec.fail("tags", "\"" + tag.substr(0, 64) + "\" is not a valid tag");
}

void read_args(FieldReader& spec, Spec& result) {
  spec.objects("args", [&](FieldReader& item) {
    Argument argument{item.required_text("name"), item.text("value")};
    bool name_ok = is_made_of(argument.name, "_") && !argument.name.empty() &&
                   !(argument.name[0] >= '0' && argument.name[0] <= '9');
    if (!argument.name.empty() && !name_ok) item.fail("name", "letters, digits and _ only");
    for (const Argument& other : result.args)
      if (other.name == argument.name)
        item.fail("name", "\"" + argument.name + "\" is given twice");
    item.finish();
    result.args.push_back(std::move(argument));
  });
  if (result.args.size() > 4 * kMaxList) spec.fail("args", "more than 256");
}

void read_registries(FieldReader& spec, Registries& result) {
  spec.object("registries", [&](FieldReader& reader) {
    reader.objects("secretRefs", [&](FieldReader& item) {
      std::string name = item.required_text("name");
      if (!name.empty() && !is_object_name(name)) item.fail("name", "not a valid object name");
      item.finish();
      result.secret_refs.push_back(std::move(name));
    });
    if (result.secret_refs.size() > 16) reader.fail("secretRefs", "more than 16");
    reader.object("caRef", [&](FieldReader& ref) {
      CaRef ca{.name = ref.required_text("name"), .key = ref.maybe_text("key").value_or("ca.crt")};
      if (!ca.name.empty() && !is_object_name(ca.name)) ref.fail("name", "not a valid object name");
      if (!is_key(ca.key)) ref.fail("key", "not a valid key");
      ref.finish();
      result.ca_ref = ca;
    });
    result.insecure = reader.texts("insecure");
    if (result.insecure.size() > kMaxList) reader.fail("insecure", "more than 64");
    for (const std::string& host : result.insecure)
      if (!is_host(host))
        reader.fail("insecure", "\"" + host.substr(0, 64) + "\" is not HOST or HOST:PORT");
    reader.finish();
  });
}

void read_history(FieldReader& spec, History& result) {
  spec.object("history", [&](FieldReader& reader) {
    result.successful =
        static_cast<int>(reader.integer("successful", 0, 100).value_or(result.successful));
    result.failed = static_cast<int>(reader.integer("failed", 0, 100).value_or(result.failed));
    result.ttl = reader.duration("ttl").value_or(result.ttl);
    reader.finish();
  });
}

void read_pod(FieldReader& spec, Pod& result) {
  spec.object("pod", [&](FieldReader& reader) {
    result.service_account_name = reader.text("serviceAccountName");
    result.priority_class_name = reader.text("priorityClassName");
    result.runtime_class_name = reader.text("runtimeClassName");
    for (auto [field, name] : {std::pair("serviceAccountName", &result.service_account_name),
                               std::pair("priorityClassName", &result.priority_class_name),
                               std::pair("runtimeClassName", &result.runtime_class_name)})
      if (!name->empty() && !is_object_name(*name)) reader.fail(field, "not a valid object name");
    reader.object("resources", [&](FieldReader& resources) {
      resources.raw("requests");
      resources.raw("limits");
      resources.finish();
    });
    result.resources = reader.raw("resources");
    result.tolerations = reader.raw("tolerations");
    if (!result.tolerations.is_null() && !result.tolerations.is_array())
      reader.fail("tolerations", "expected a list");
    result.node_selector = reader.text_map("nodeSelector");
    result.labels = reader.text_map("labels");
    result.annotations = reader.text_map("annotations");
    for (const auto* map : {&result.labels, &result.annotations})
      for (const auto& [key, value] : *map)
        if (key.starts_with("imagebuild.dev/") || key.starts_with("app.kubernetes.io/"))
          reader.fail(map == &result.labels ? "labels" : "annotations",
                      "\"" + key.substr(0, 64) + "\" belongs to the operator");
    result.isolation = static_cast<Isolation>(reader.choice("isolation", {"Auto", "Overlay"}));
    reader.finish();
  });
}

void put(Json& object, const char* field, const std::string& text) {
  if (!text.empty()) object[field] = text;
}
template <typename Container>
void put_all(Json& object, const char* field, const Container& values) {
  if (!values.empty()) object[field] = values;
}

Json source_to_json(const SourceSpec& source) {
  if (const auto* files = std::get_if<InlineSource>(&source))
    return {{"inline", {{"files", files->files}}}};
  if (const auto* artifact = std::get_if<OciSource>(&source))
    return {{"oci", {{"ref", artifact->ref}}}};
  const auto& git = std::get<GitSource>(source);
  Json result = {{"url", git.url}};
  Json ref = Json::object();
  put(ref, "branch", git.branch);
  put(ref, "tag", git.tag);
  put(ref, "commit", git.commit);
  if (!ref.empty()) result["ref"] = ref;
  if (!git.secret_ref.empty()) result["secretRef"] = {{"name", git.secret_ref}};
  return {{"git", result}};
}

Json registries_to_json(const Registries& registries) {
  Json result = Json::object();
  for (const std::string& name : registries.secret_refs)
    result["secretRefs"].push_back({{"name", name}});
  if (registries.ca_ref)
    result["caRef"] = {{"name", registries.ca_ref->name}, {"key", registries.ca_ref->key}};
  put_all(result, "insecure", registries.insecure);
  return result;
}

Json pod_to_json(const Pod& pod) {
  Json result = Json::object();
  put(result, "serviceAccountName", pod.service_account_name);
  put(result, "priorityClassName", pod.priority_class_name);
  put(result, "runtimeClassName", pod.runtime_class_name);
  if (!pod.resources.is_null()) result["resources"] = pod.resources;
  if (!pod.tolerations.is_null()) result["tolerations"] = pod.tolerations;
  put_all(result, "nodeSelector", pod.node_selector);
  put_all(result, "labels", pod.labels);
  put_all(result, "annotations", pod.annotations);
  if (pod.isolation != Isolation::Auto) result["isolation"] = "Overlay";
  return result;
}

std::string seconds_text(Duration duration) {
  return std::to_string(duration.count() / 1000) + "s";
}

}  // namespace

Result<Timestamp> timestamp_from_text(std::string_view text) {
  if (text == "Source") return Timestamp{Timestamp::Kind::Source};
  if (text == "Build") return Timestamp{Timestamp::Kind::Build};
  if (text == "Zero") return Timestamp{Timestamp::Kind::Zero};
  std::int64_t epoch = -1;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), epoch);
  if (code != std::errc() || end != text.data() + text.size() || epoch < 0 || epoch > 253402300799)
    return fail(ErrorKind::InvalidInput,
                "expected Source, Build, Zero or seconds since 1970 in quotes");
  return Timestamp{Timestamp::Kind::Epoch, epoch};
}

std::string timestamp_to_text(const Timestamp& timestamp) {
  switch (timestamp.kind) {
    case Timestamp::Kind::Source:
      return "Source";
    case Timestamp::Kind::Build:
      return "Build";
    case Timestamp::Kind::Zero:
      return "Zero";
    case Timestamp::Kind::Epoch:
      break;
  }
  return std::to_string(timestamp.epoch);
}

Result<Spec> spec_from_json(const Json& value) {
  FieldErrors errors;
  FieldReader spec(value, "spec", errors);
  Spec result;
  result.source = read_source(spec);
  result.path = read_path(spec, "path");
  result.dockerfile = read_path(spec, "dockerfile");
  result.target = spec.text("target");
  if (result.target.size() > 128) spec.fail("target", "longer than 128 characters");
  read_args(spec, result);
  result.secrets = read_secrets(spec);
  read_image(spec, result);
  read_registries(spec, result.registries);
  result.labels = spec.text_map("labels");
  result.annotations = spec.text_map("annotations");
  if (auto text = spec.maybe_text("timestamp")) {
    auto timestamp = timestamp_from_text(*text);
    if (timestamp)
      result.timestamp = *timestamp;
    else
      spec.fail("timestamp", timestamp.error().message);
  }
  result.compression = read_compression(spec);
  result.network = static_cast<Network>(spec.choice("network", {"Default", "None"}));
  result.timeout = spec.duration("timeout").value_or(result.timeout);
  if (result.timeout < std::chrono::seconds(1) || result.timeout > std::chrono::hours(24 * 7))
    spec.fail("timeout", "expected 1s to 168h");
  result.retries = static_cast<int>(spec.integer("retries", 0, 10).value_or(result.retries));
  result.suspend = spec.flag("suspend", false);
  result.budget = read_budget(spec);
  read_history(spec, result.history);
  read_pod(spec, result.pod);
  spec.finish();
  if (errors.first) return *errors.first;
  return result;
}

Json spec_to_json(const Spec& spec) {
  const Spec defaults;
  Json result = {{"source", source_to_json(spec.source)}, {"image", spec.image}};
  put(result, "path", spec.path);
  put(result, "dockerfile", spec.dockerfile);
  put(result, "target", spec.target);
  for (const Argument& argument : spec.args)
    result["args"].push_back({{"name", argument.name}, {"value", argument.value}});
  for (const BuildSecret& secret : spec.secrets)
    result["secrets"].push_back(secret_to_json(secret));
  put_all(result, "tags", spec.tags);
  if (Json registries = registries_to_json(spec.registries); !registries.empty())
    result["registries"] = registries;
  put_all(result, "labels", spec.labels);
  put_all(result, "annotations", spec.annotations);
  if (spec.timestamp) result["timestamp"] = timestamp_to_text(*spec.timestamp);
  if (spec.compression != defaults.compression)
    result["compression"] = compression_to_json(spec.compression);
  if (spec.network == Network::None) result["network"] = "None";
  if (spec.timeout != defaults.timeout) result["timeout"] = seconds_text(spec.timeout);
  if (spec.retries != defaults.retries) result["retries"] = spec.retries;
  if (spec.suspend) result["suspend"] = true;
  if (Json budget = budget_to_json(spec.budget); !budget.is_null()) result["budget"] = budget;
  Json history = Json::object();
  if (spec.history.successful != defaults.history.successful)
    history["successful"] = spec.history.successful;
  if (spec.history.failed != defaults.history.failed) history["failed"] = spec.history.failed;
  if (spec.history.ttl != defaults.history.ttl) history["ttl"] = seconds_text(spec.history.ttl);
  if (!history.empty()) result["history"] = history;
  if (Json pod = pod_to_json(spec.pod); !pod.empty()) result["pod"] = pod;
  return result;
}

std::string image_repository(const Spec& spec) {
  std::size_t slash = spec.image.rfind('/');
  std::size_t colon = spec.image.find(':', slash == std::string::npos ? 0 : slash);
  return spec.image.substr(0, colon);
}

std::vector<std::string> image_tags(const Spec& spec) {
  std::vector<std::string> tags;
  std::string repository = image_repository(spec);
  if (repository.size() < spec.image.size())
    tags.push_back(spec.image.substr(repository.size() + 1));
  for (const std::string& tag : spec.tags)
    if (std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(tag);
  if (tags.empty()) tags.push_back("latest");
  return tags;
}

}  // namespace imagebuild::api
