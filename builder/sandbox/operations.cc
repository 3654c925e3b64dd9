#include "builder/sandbox/operations.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "builder/layer/copy.h"
#include "builder/layer/diff.h"
#include "builder/layer/settle.h"
#include "builder/layer/unpack.h"
#include "builder/layer/usage.h"
#include "builder/sandbox/messages.h"
#include "builder/sandbox/overlay.h"
#include "builder/sandbox/probe.h"
#include "builder/sandbox/run.h"
#include "builder/sandbox/tree_path.h"
#include "builder/sandbox/usage_messages.h"

namespace imagebuild::sandbox {
namespace {

using Descriptors = std::vector<UniqueFd>;

Result<LayerId> layer_of(const Json& request, const char* field) {
  const auto number = TRY(find_int(request, field));
  if (!number || *number < 0 || *number > 0xffffffff)
    return fail(ErrorKind::InvalidInput, "request without " + std::string(field));
  return LayerId{static_cast<std::uint32_t>(*number)};
}

Result<LowerList> lowers_of(const Json& request, const char* field = "lowers") {
  const Json* list = find_path(request, {field});
  if (!list) return fail(ErrorKind::InvalidInput, "request without " + std::string(field));
  return lowers_from_json(*list);
}

Result<UniqueFd> take_descriptor(Descriptors& descriptors) {
  if (descriptors.empty()) return fail(ErrorKind::InvalidInput, "request without a descriptor");
  UniqueFd fd = std::move(descriptors.back());
  descriptors.pop_back();
  return fd;
}

Result<UniqueFd> open_layer(LayerId layer) {
  return open_file(layer_path(layer), O_RDONLY | O_DIRECTORY);
}

// The part of an UnpackSummary that settle needs waits in the store:
// it can be as long as the layer.
Json summary_to_json(const UnpackSummary& summary) {
  Json links = Json::array();
  for (const DeferredHardLink& link : summary.deferred_hard_links)
    links.push_back({link.path, link.target});
  return {{"implied", summary.implied_directories},
          {"links", std::move(links)},
          {"whiteouts", summary.whiteouts},
          {"ownersKept", summary.owners_kept}};
}

Result<UnpackSummary> load_summary(LayerId layer) {
  const std::string bytes = TRY(read_file(summary_path(layer), std::size_t{1} << 30));
  try {
    const Json json = Json::from_msgpack(bytes);
    UnpackSummary summary;
    summary.implied_directories = json.at("implied").get<std::vector<std::string>>();
    summary.whiteouts = json.at("whiteouts").get<std::vector<std::string>>();
    summary.owners_kept = json.at("ownersKept").get<bool>();
    for (const Json& link : json.at("links")) {
      summary.deferred_hard_links.push_back(
          {link.at(0).get<std::string>(), link.at(1).get<std::string>()});
    }
    return summary;
  } catch (const Json::exception& e) {
    return fail(ErrorKind::Internal, std::string("unpack summary: ") + e.what());
  }
}

Result<Json> unpack(const Json& request, Descriptors& descriptors) {
  const LayerId layer = TRY(layer_of(request, "layer"));
  const UniqueFd input = TRY(take_descriptor(descriptors));
  const std::string path = layer_path(layer);
  if (::mkdir(path.c_str(), 0755) < 0) return errno_error("make " + path);
  const UniqueFd directory = TRY(open_layer(layer));
  TarReader tar(source_from_fd(input.get()));
  const UnpackSummary summary = TRY(unpack_layer(directory.get(), tar));
  const auto bytes = Json::to_msgpack(summary_to_json(summary));
  TRY(write_file_atomically(summary_path(layer),
                            {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  return Json{{"entries", summary.entries},
              {"bytes", summary.bytes},
              {"skippedDevices", summary.skipped_devices}};
}

Result<Json> settle(const Json& request, Descriptors&) {
  const LayerId layer = TRY(layer_of(request, "layer"));
  const UnpackSummary summary = TRY(load_summary(layer));
  const UniqueFd directory = TRY(open_layer(layer));
  std::vector<UniqueFd> lowers;
  std::vector<int> numbers;
  for (const LayerId lower : TRY(lowers_of(request))) {
    lowers.push_back(TRY(open_layer(lower)));
    numbers.push_back(lowers.back().get());
  }
  TRY(settle_layer(directory.get(), numbers, summary));
  TRY(remove_tree(AT_FDCWD, summary_path(layer)));
  return Json::object();
}

Result<Json> run(const Json& request, Descriptors& descriptors) {
  const Json* spec = find_path(request, {"spec"});
  if (!spec) return fail(ErrorKind::InvalidInput, "request without spec");
  UniqueFd output = TRY(take_descriptor(descriptors));  // the last; the others are attachments
  const RunSpec what = TRY(run_spec_from_json(*spec));
  return to_json(TRY(run_command(what, std::move(output), std::move(descriptors))));
}

Result<Json> diff(const Json& request, Descriptors& descriptors) {
  const UniqueFd output = TRY(take_descriptor(descriptors));
  const LowerList lowers = TRY(lowers_of(request));
  const LayerId layer = TRY(layer_of(request, "upper"));
  const UniqueFd upper = TRY(open_layer(layer));
  const UniqueFd root = lowers.empty() ? UniqueFd() : TRY(open_merged(lowers, merged_path));
  const DiffOptions options{.clamp_mtime = TRY(find_int(request, "clampMtime"))};
  TarWriter tar(sink_to_fd(output.get()));
  const DiffSummary summary = TRY(diff_upper(upper.get(), root.get(), options, tar));
  TRY(tar.finish());
  return Json{
      {"entries", summary.entries}, {"bytes", summary.bytes}, {"whiteouts", summary.whiteouts}};
}

Result<Json> resolve_path(const Json& request, Descriptors&) {
  const LowerList lowers = TRY(lowers_of(request));
  const UniqueFd root = TRY(open_merged(lowers, merged_path));
  const auto follow = TRY(find_bool(request, "follow"));
  const auto last = follow.value_or(true) ? LastLink::Follow : LastLink::Keep;
  return to_json(TRY(resolve_below(root.get(), string_at(request, {"path"}), last)));
}

Result<Json> read_path(const Json& request, Descriptors&) {
  const LowerList lowers = TRY(lowers_of(request));
  const UniqueFd root = TRY(open_merged(lowers, merged_path));
  const std::string path = string_at(request, {"path"});
  const PathInfo info = TRY(resolve_below(root.get(), path, LastLink::Follow));
  if (info.type != PathType::Regular) return Json();
  const std::uint64_t limit =
      static_cast<std::uint64_t>(TRY(find_int(request, "limit")).value_or(0));
  const UniqueFd file = TRY(open_below(root.get(), info.path, O_RDONLY));
  return Json(TRY_CONTEXT(read_all(file.get(), limit), path));
}

Result<Json> copy_out(const Json& request, Descriptors& descriptors) {
  const UniqueFd output = TRY(take_descriptor(descriptors));
  const Json* copy = find_path(request, {"copy"});
  if (!copy) return fail(ErrorKind::InvalidInput, "request without copy");
  const CopyRequest what = TRY(copy_request_from_json(*copy));
  const LowerList from_lowers = TRY(lowers_of(request, "from"));
  const LowerList onto_lowers = TRY(lowers_of(request, "onto"));
  const UniqueFd from = TRY(open_merged(from_lowers, merged_path));
  const UniqueFd onto = TRY(open_merged(onto_lowers, other_merged_path));
  CopyHooks hooks;
  hooks.existing = [&onto](const std::string& path) -> Result<DestinationKind> {
    const PathInfo info = TRY(resolve_below(onto.get(), path, LastLink::Keep));
    if (!info.exists()) return DestinationKind::Missing;
    return info.type == PathType::Directory ? DestinationKind::Directory : DestinationKind::Other;
  };
  TarWriter tar(sink_to_fd(output.get()));
  const CopySummary summary = TRY(copy_to_tar(from.get(), what, hooks, tar));
  TRY(tar.finish());
  return Json{{"entries", summary.entries},
              {"files", summary.files},
              {"bytes", summary.bytes},
              {"contentHash", summary.content_hash}};
}

Result<Json> remove(const Json& request, Descriptors&) {
  const LayerId layer = TRY(layer_of(request, "layer"));
  for (const std::string& path :
       {layer_path(layer), work_path(layer), scaffold_path(layer), summary_path(layer)}) {
    TRY(remove_tree(AT_FDCWD, path));
  }
  return Json::object();
}

// One directory of each layer is open at each level of the tree. In this call's process only: a RUN
// keeps the limit it would have.
void allow_many_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<Json> measure(const Json& request, Descriptors&) {
  allow_many_descriptors();
  const LowerList lowers = TRY(lowers_of(request));
  const LowerList uppers = TRY(lowers_of(request, "uppers"));
  std::vector<UniqueFd> roots;
  std::vector<UsageLayer> layers;
  for (const LayerId layer : lowers) {
    roots.push_back(TRY(open_layer(layer)));
    const bool upper = std::find(uppers.begin(), uppers.end(), layer) != uppers.end();
    layers.push_back({roots.back().get(), upper});
  }
  return to_json(TRY(measure_usage(layers, TRY(usage_options_from_json(request)))));
}

Result<Json> probe(const Json&, Descriptors&) { return probe_store(); }

}  // namespace

Result<Json> perform(const Json& request, std::vector<UniqueFd> descriptors) {
  struct Operation {
    const char* name;
    Result<Json> (*act)(const Json&, Descriptors&);
  };
  static constexpr Operation operations[] = {
      {"unpack", unpack},        {"settle", settle},  {"run", run},       {"diff", diff},
      {"resolve", resolve_path}, {"read", read_path}, {"copy", copy_out}, {"remove", remove},
      {"measure", measure},      {"probe", probe},
  };
  const std::string name = string_at(request, {"op"});
  for (const Operation& operation : operations) {
    if (name == operation.name) return operation.act(request, descriptors);
  }
  return fail(ErrorKind::Internal, "unknown operation: " + name);
}

}  // namespace imagebuild::sandbox
