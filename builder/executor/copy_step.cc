// COPY: from the context (read by this process) or from another tree (read by the tree
// worker); either way the same code makes a tar of it, which becomes the layer's blob
// and its directory in one pass.
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

Result<CopyOwner> StageBuilder::copy_owner(const std::string& chown) {
  if (chown.empty()) return CopyOwner{};
  auto ids =
      TRY_CONTEXT(resolve_owner(chown, TRY(read_text("/etc/passwd")), TRY(read_text("/etc/group"))),
                  "--chown=" + chown);
  return CopyOwner{ids.uid, ids.gid};
}

Result<CopyRequest> StageBuilder::make_copy_request(const dockerfile::Copy& copy) {
  if (copy.destination.empty()) return fail(ErrorKind::InvalidInput, "the destination is empty");
  CopyRequest request{.sources = copy.sources};
  auto path = absolute_path(copy.destination, state_.config.config.working_dir);
  auto info = TRY(build_.worker.resolve_path(TRY(tree()), path, LastLink::Follow, build_.stop));
  request.destination = {.path = info.path,
                         .kind = kind_of(info.type),
                         .trailing_slash = names_directory(copy.destination),
                         .missing_parents = info.missing};
  if (!request.destination.missing_parents.empty()) request.destination.missing_parents.pop_back();
  if (copy.sources.size() + copy.files.size() > 1 && !request.destination.trailing_slash &&
      request.destination.kind != DestinationKind::Directory)
    return fail(ErrorKind::InvalidInput,
                "with several sources the destination must be a directory and end with '/': '" +
                    copy.destination + "'");
  request.owner = TRY(copy_owner(copy.chown));
  if (!copy.chmod.empty()) request.mode = TRY(parse_mode(copy.chmod));
  return request;
}

Result<std::uint64_t> StageBuilder::copy_from_context(const dockerfile::Copy& copy,
                                                      const CopyRequest& request,
                                                      const ByteSink& sink) {
  auto lowers = TRY(tree());
  std::set<std::string> missing;  // directories known not to exist: nothing below them does
  CopyHooks hooks;
  hooks.excluded = [&](std::string_view path, bool) {
    return build_.context.ignore().ignored(path);
  };
  hooks.may_include_below = [&](std::string_view path) {
    return build_.context.ignore().may_contain_included(path);
  };
  hooks.existing = [&](const std::string& path) -> Result<DestinationKind> {
    std::string parent = path.substr(0, path.rfind('/'));
    DestinationKind kind = DestinationKind::Missing;
    if (!missing.contains(parent))
      kind =
          kind_of(TRY(build_.worker.resolve_path(lowers, path, LastLink::Keep, build_.stop)).type);
    if (kind == DestinationKind::Missing) missing.insert(path);
    return kind;
  };
  TarWriter tar(sink);
  std::uint64_t entries = 0;
  auto count = [&](const CopySummary& summary) { entries += summary.entries; };
  if (!request.sources.empty()) {
    auto from_context = request;
    from_context.mtime = build_.options.created;
    count(TRY(copy_to_tar(build_.context.root(), from_context, hooks, tar)));
  }
  if (!copy.files.empty()) {
    auto directory = TRY(InlineDirectory::write(build_.options.work_dir, copy.files));
    auto inline_files = request;
    inline_files.mtime = build_.options.created;
    inline_files.sources.clear();
    for (const auto& file : copy.files) inline_files.sources.push_back(file.name);
    count(TRY(copy_to_tar(directory.fd(), inline_files, {.existing = hooks.existing}, tar)));
  }
  TRY(tar.finish());
  return entries;
}

Result<std::uint64_t> StageBuilder::copy_from_tree(const LowerList& from,
                                                   const CopyRequest& request,
                                                   const ByteSink& sink) {
  auto onto = TRY(tree());
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
    const StageState& stage = build_.finished.at(other->index);
    image = stage.base;
    own = stage.own;
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
  auto request = TRY(make_copy_request(copy));
  auto lowers = TRY(tree());
  LowerList from;
  if (!copy.from.empty()) {
    if (!copy.files.empty())
      return fail(ErrorKind::InvalidInput, "--from and inline files exclude each other");
    from = TRY(tree_of(
        TRY(plan::resolve_from(build_.file, planned_.index, copy.from, build_.plan.platform))));
  }
  auto made = TRY(build_.layers.from_tar(lowers, [&](const ByteSink& sink) {
    return copy.from.empty() ? copy_from_context(copy, request, sink)
                             : copy_from_tree(from, request, sink);
  }));
  add_layer(std::move(made), original, original.text);
  return {};
}

}  // namespace imagebuild::executor
