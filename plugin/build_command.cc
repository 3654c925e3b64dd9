// build: the context into the cluster, the ImageBuild around it, and the wait for its image.
#include <algorithm>

#include "common/base/byte_size.h"
#include "common/oci/reference.h"
#include "plugin/builder_log.h"
#include "plugin/commands.h"
#include "plugin/context_upload.h"
#include "plugin/local_context.h"

namespace imagebuild::plugin {
namespace {

/// "web" of "registry.example.com/acme/web": a name that the API server takes.
std::string name_of(const oci::Reference& image) {
  std::string name = image.repository.substr(image.repository.rfind('/') + 1);
  for (char& c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) c = '-';
  name.erase(0, std::min(name.find_first_not_of('-'), name.size()));
  name.erase(name.find_last_not_of('-') + 1);
  return name;
}

Result<Json> args_of(const BuildFlags& flags) {
  Json args = Json::array();
  for (const std::string& text : flags.build_args) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      return fail(ErrorKind::InvalidInput, "--build-arg " + text + ": expected NAME=VALUE");
    args.push_back({{"name", text.substr(0, equals)}, {"value", text.substr(equals + 1)}});
  }
  return args;
}

Result<Json> spec_of(const BuildFlags& flags, const oci::Reference& image, Json source,
                     const std::string& dockerfile) {
  Json spec = {{"source", std::move(source)}, {"image", flags.image}};
  if (dockerfile != "Dockerfile") spec["dockerfile"] = dockerfile;
  if (!flags.target.empty()) spec["target"] = flags.target;
  if (!flags.tags.empty()) spec["tags"] = flags.tags;
  if (Json args = TRY(args_of(flags)); !args.empty()) spec["args"] = std::move(args);
  for (const std::string& secret : flags.secrets)
    spec["registries"]["secretRefs"].push_back({{"name", secret}});
  const auto& insecure = flags.registry.insecure;
  if (std::find(insecure.begin(), insecure.end(), image.registry) != insecure.end())
    spec["registries"]["insecure"] = {image.registry};
  return spec;
}

/// The fields that this command sets, taken over into an object that is there already.
Result<Json> updated(const Json& object, const Json& spec, const std::string& name) {
  const Json* source = find_path(object, {"spec", "source"});
  if (source != nullptr && source->is_object() && source->contains("git"))
    return fail(ErrorKind::Conflict, "ImageBuild " + name +
                                         " builds from git; choose another name for this upload "
                                         "with --name");
  Json result = object;
  for (const char* field : {"source", "image", "dockerfile", "target", "tags", "args"}) {
    result["spec"].erase(field);
    if (spec.contains(field)) result["spec"][field] = spec[field];
  }
  // Credentials and hosts that somebody configured stay unless this command names its own.
  if (spec.contains("registries"))
    for (const auto& [field, value] : spec["registries"].items())
      result["spec"]["registries"][field] = value;
  return result;
}

Result<Json> create_or_replace(Session& session, const std::string& name, const Json& spec) {
  const kube::ObjectKey key{session.name_space, name};
  auto there = session.client->get(kube::kImageBuilds, key);
  if (there.ok()) {
    auto replaced = session.client->replace(kube::kImageBuilds, TRY(updated(*there, spec, name)));
    if (!replaced.ok()) return Error(replaced.error());
    const bool same = find_path(*there, {"metadata", "generation"}) != nullptr &&
                      *find_path(*there, {"metadata", "generation"}) ==
                          *find_path(*replaced, {"metadata", "generation"});
    session.console.note("imagebuild/" + name + (same ? " unchanged\n" : " configured\n"));
    return replaced;
  }
  if (!there.error().not_found()) return Error(there.error());
  auto created = session.client->create(
      kube::kImageBuilds, {{"apiVersion", api::kApiVersion},
                           {"kind", api::kKind},
                           {"metadata", {{"namespace", key.name_space}, {"name", key.name}}},
                           {"spec", spec}});
  if (!created.ok() && created.error().not_found())
    return fail(ErrorKind::NotFound, "this cluster has no ImageBuild resource, or no namespace " +
                                         session.name_space + ": " + created.error().message);
  if (!created.ok()) return Error(created.error());
  session.console.note("imagebuild/" + name + " created\n");
  return created;
}

Result<Json> source_of(Session& session, const BuildFlags& flags, const LocalContext& context,
                       const oci::Reference& image) {
  if (auto files = TRY(inline_files(context))) return Json{{"inline", {{"files", *files}}}};
  const std::string ref = TRY(upload_context(session, flags.registry, context, image));
  return Json{{"oci", {{"ref", ref}}}};
}

}  // namespace

Result<int> build_command(Session& session, const BuildFlags& flags) {
  const auto image = TRY_CONTEXT(oci::Reference::parse(flags.image), "--image");
  if (image.digest)
    return fail(ErrorKind::InvalidInput, "--image " + flags.image + ": a digest cannot be chosen");
  const std::string name = flags.name.empty() ? name_of(image) : flags.name;
  const LocalContext context = TRY(scan_context(flags.directory, flags.dockerfile));
  session.console.note("context " + flags.directory + ": " +
                       count_of(context.files.size(), "file") + ", " + format_bytes(context.bytes) +
                       "\n");
  if (context.skipped > 0)
    session.console.note("left out " + count_of(context.skipped, "socket, pipe or device") + "\n");
  const Json source = TRY(source_of(session, flags, context, image));
  const Json spec = TRY(spec_of(flags, image, source, context.dockerfile));
  TRY(api::spec_from_json(spec));  // what the operator would refuse is refused here
  const View view = view_from_json(TRY(create_or_replace(session, name, spec)));
  if (!flags.wait && !flags.follow) {
    session.console.note("Follow it: kubectl imagebuild logs " + arguments_of(view) + " -f\n");
    return kDone;
  }
  return watch_build(session, name, {.generation = view.generation}, flags.follow);
}

}  // namespace imagebuild::plugin
