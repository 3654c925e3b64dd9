// COPY: from the context (read by this process) or from another tree (read by the tree
// worker); either way the same code makes a tar of it, which becomes the layer's blob
// and its directory in one pass. add_step.cc shares the first half with it.
#include "builder/executor/copy_step.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>

#include "builder/executor/commands.h"
#include "builder/executor/stage_builder.h"
#include "builder/layer/copy.h"

namespace imagebuild::executor {
namespace {

using dockerfile::Instruction;

DestinationKind kind_of(PathType type) {
  switch (type) {
    case PathType::Missing:
      return DestinationKind::Missing;
    case PathType::Directory:
      return DestinationKind::Directory;
    default:
      return DestinationKind::Other;
  }
}

// A directory of inline files (COPY <<name), removed afterwards.
class InlineDirectory {
 public:
  static Result<InlineDirectory> write(const std::string& below,
                                       const std::vector<dockerfile::InlineFile>& files) {
    std::string path = below + "/inline.XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return errno_error("make a directory in " + below);
    InlineDirectory directory(path);
    for (const auto& file : files) {
      if (file.name.empty() || file.name.find('/') != std::string::npos)
        return fail(ErrorKind::InvalidInput,
                    "an inline file's name must have no slash: '" + file.name + "'");
      TRY(write_file_atomically(path + "/" + file.name, file.body.text()));
    }
    directory.fd_ = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
    return directory;
  }
  InlineDirectory(InlineDirectory&& other) noexcept
      : path_(std::exchange(other.path_, "")), fd_(std::move(other.fd_)) {}
  InlineDirectory& operator=(InlineDirectory&&) = delete;
  ~InlineDirectory() {
    std::error_code ignored;  // a leftover in the work directory goes with it
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  int fd() const { return fd_.get(); }

 private:
  explicit InlineDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
  UniqueFd fd_;
};

}  // namespace

void destination_is_there(CopyDestination& to) {
  if (to.kind != DestinationKind::Missing) return;
  to.kind = DestinationKind::Directory;
  to.missing_parents.clear();
}

Result<CopyOwner> StageBuilder::copy_owner(const std::string& chown) {
  if (chown.empty()) return CopyOwner{};
  auto ids =
      TRY_CONTEXT(resolve_owner(chown, TRY(read_text("/etc/passwd")), TRY(read_text("/etc/group"))),
                  "--chown=" + chown);
  return CopyOwner{ids.uid, ids.gid};
}

/// With --link the layer must not depend on what is below it: every directory of the destination is
/// made anew, nothing below is looked at, no symlink is followed. A --chmod switches it off, as the
/// reference builder does: it would go for those directories, too.
bool is_linked(const dockerfile::CopySpec& spec) { return spec.link && spec.chmod.empty(); }

Result<CopyDestination> StageBuilder::copy_destination(const dockerfile::CopySpec& spec) {
  if (spec.destination.empty()) return fail(ErrorKind::InvalidInput, "the destination is empty");
  const auto path = absolute_path(spec.destination, state_.config.config.working_dir);
  CopyDestination to{.path = path, .trailing_slash = names_directory(spec.destination)};
  if (is_linked(spec)) {
    if (path == "/") to.kind = DestinationKind::Directory;
    for (auto slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1))
      to.missing_parents.push_back(path.substr(0, slash));
    return to;
  }
  auto info = TRY(build_.worker.resolve_path(TRY(tree()), path, LastLink::Follow, build_.stop));
  to.path = info.path;
  to.kind = kind_of(info.type);
  to.missing_parents = std::move(info.missing);
  if (!to.missing_parents.empty()) to.missing_parents.pop_back();
  return to;
}

Result<CopyRequest> StageBuilder::make_copy_request(const dockerfile::CopySpec& spec) {
  CopyRequest request{.sources = spec.sources};
  request.destination = TRY(copy_destination(spec));
  if (spec.sources.size() + spec.files.size() > 1 && !request.destination.trailing_slash &&
      request.destination.kind != DestinationKind::Directory)
    return fail(ErrorKind::InvalidInput,
                "with several sources the destination must be a directory and end with '/': '" +
                    spec.destination + "'");
  request.owner = TRY(copy_owner(spec.chown));
  if (!spec.chmod.empty()) request.chmod = TRY(ModeChange::parse(spec.chmod));
  request.excludes = spec.excludes;
  request.parents = spec.parents;
  return request;
}

CopyHooks StageBuilder::copy_hooks(const dockerfile::CopySpec& spec, const LowerList& lowers) {
  CopyHooks hooks;
  if (is_linked(spec)) return hooks;
  // Directories known not to exist: nothing below them does.
  hooks.existing = [this, lowers, missing = std::set<std::string>()](
                       const std::string& path) mutable -> Result<DestinationKind> {
    std::string parent = path.substr(0, path.rfind('/'));
    DestinationKind kind = DestinationKind::Missing;
    if (!missing.contains(parent))
      kind =
          kind_of(TRY(build_.worker.resolve_path(lowers, path, LastLink::Keep, build_.stop)).type);
    if (kind == DestinationKind::Missing) missing.insert(path);
    return kind;
  };
  return hooks;
}

CopyHooks StageBuilder::context_hooks(const dockerfile::CopySpec& spec,
                                      const context::Context& from, const LowerList& lowers) {
  CopyHooks hooks = copy_hooks(spec, lowers);
  hooks.excluded = [&from](std::string_view path, bool) { return from.ignore().ignored(path); };
  hooks.may_include_below = [&from](std::string_view path) {
    return from.ignore().may_contain_included(path);
  };
  return hooks;
}

/// COPY <<name: names are names, and only the destination's flags concern them.
Result<std::uint64_t> StageBuilder::copy_inline_files(const dockerfile::CopySpec& spec,
                                                      CopyRequest request, const CopyHooks& hooks,
                                                      TarWriter& tar) {
  if (spec.files.empty()) return std::uint64_t{0};
  auto directory = TRY(InlineDirectory::write(build_.options.work_dir, spec.files));
  request.sources.clear();
  for (const auto& file : spec.files) request.sources.push_back(file.name);
  request.names = true;
  request.mtime = build_.options.created;
  request.excludes.clear();
  request.parents = false;
  return TRY(copy_to_tar(directory.fd(), request, {.existing = hooks.existing}, tar)).entries;
}

Result<std::uint64_t> StageBuilder::copy_from_context(const dockerfile::CopySpec& spec,
                                                      const context::Context& from,
                                                      CopyRequest request, const ByteSink& sink) {
  const auto hooks = context_hooks(spec, from, TRY(tree()));
  request.mtime = build_.options.created;
  TarWriter tar(sink);
  std::uint64_t entries = 0;
  if (!request.sources.empty()) {
    entries = TRY(copy_to_tar(from.root(), request, hooks, tar)).entries;
    if (entries > 0) destination_is_there(request.destination);
  }
  entries += TRY(copy_inline_files(spec, request, hooks, tar));
  TRY(tar.finish());
  return entries;
}

Result<std::uint64_t> StageBuilder::copy_from_tree(const LowerList& from, const LowerList& onto,
                                                   const CopyRequest& request,
                                                   const ByteSink& sink) {
  auto pipe = TRY(make_pipe());
  Result<CopySummary> copied = CopySummary{};
  Result<std::uint64_t> pumped = std::uint64_t{0};
  {
    std::jthread copying([&] {
      copied = build_.worker.copy_out(from, onto, request, std::move(pipe.write), build_.stop);
    });
    pumped = pump(source_from_fd(pipe.read.get()), sink);
    pipe.read.reset();
  }
  if (!copied && (pumped || copied.error().kind == ErrorKind::NotFound))
    return std::move(copied).error();
  if (!pumped) return std::move(pumped).error();
  return copied->entries;
}

Result<LowerList> StageBuilder::tree_of(const plan::Base& base) {
  BaseImage* image = nullptr;
  LowerList own;
  if (const auto* other = std::get_if<plan::StageRef>(&base)) {
    const auto stage = build_.finished.find(other->index);
    // Only an image's ONBUILD names what was not planned: it is read after the plan is made.
    if (stage == build_.finished.end())
      return fail(ErrorKind::InvalidInput,
                  "stage " + build_.file.stages[other->index].display_name() +
                      " was not built: only the base's ONBUILD names it. Let an instruction of "
                      "this Dockerfile use it, too, e.g. RUN --mount=from=");
    image = stage->second.base;
    own = stage->second.own;
  } else if (const auto* reference = std::get_if<plan::ImageRef>(&base)) {
    auto opened = build_.bases.open(*reference);
    if (!opened) return build_.note.because(Doing::Pull, std::move(opened).error());
    image = *opened;
  }
  LowerList lowers;
  if (image != nullptr) {
    auto unpacked = build_.bases.unpack(*image);
    if (!unpacked) return build_.note.because(Doing::Pull, std::move(unpacked).error());
    lowers = image->lowers;
  }
  lowers.insert(lowers.end(), own.begin(), own.end());
  return lowers;
}

Result<void> StageBuilder::apply(const dockerfile::Copy& copy, const Instruction& original) {
  for (const auto& source : copy.sources)
    if (context::is_http_url(source))
      return fail(ErrorKind::InvalidInput,
                  context::shown_url(source) + ": COPY takes no URL, ADD does");
  if (!copy.from.empty() && !copy.files.empty())
    return fail(ErrorKind::InvalidInput, "--from and inline files exclude each other");
  const auto request = TRY(make_copy_request(copy));
  const auto lowers = TRY(tree());
  const auto base =
      plan::resolve_from(build_.file, planned_.index, copy.from, build_.plan.platform);
  // A stage comes before a named context, as it does for FROM.
  const bool is_stage = base && std::holds_alternative<plan::StageRef>(*base);
  const auto named = is_stage ? build_.named.end() : build_.named.find(copy.from);
  const bool from_files = copy.from.empty() || named != build_.named.end();
  const context::Context& files = named != build_.named.end() ? named->second : build_.context;
  LowerList from;
  if (!from_files) from = TRY(tree_of(TRY(base)));
  auto made = TRY(build_.layers.from_tar(lowers, [&](const ByteSink& sink) {
    if (from_files) return copy_from_context(copy, files, request, sink);
    return copy_from_tree(from, is_linked(copy) ? LowerList() : lowers, request, sink);
  }));
  add_layer(std::move(made), original, original.text);
  return {};
}

}  // namespace imagebuild::executor
