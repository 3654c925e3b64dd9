// ADD: what COPY does, and archives are unpacked, URLs downloaded, git repositories checked out.
// Everything remote is here before the layer begins; its sources then follow each other in it.
#include <fcntl.h>

#include "builder/executor/copy_step.h"
#include "builder/executor/stage_builder.h"
#include "builder/layer/archive.h"
#include "builder/layer/node.h"

namespace imagebuild::executor {
namespace {

using dockerfile::Add;
using dockerfile::Instruction;

Result<void> check_flags(const Add& add) {
  if (add.checksum.empty()) return {};
  if (add.sources.size() + add.files.size() != 1)
    return fail(ErrorKind::InvalidInput, "--checksum is for one source");
  if (add.sources.empty() || !context::is_http_url(add.sources.front()))
    return fail(ErrorKind::InvalidInput, "--checksum is for a URL or a git repository");
  return {};
}

bool is_git_over_ssh(std::string_view source) {
  return source.starts_with("git@") || source.starts_with("ssh://") || source.starts_with("git://");
}

/// The layer's tar while it is written: each source behind the one before.
class AddWriter {
 public:
  AddWriter(const Add& add, CopyRequest request, CopyHooks context_hooks,
            const BuildOptions& options, TarWriter& tar)
      : add_(add),
        request_(std::move(request)),
        hooks_(std::move(context_hooks)),
        options_(options),
        tar_(tar) {
    if (options.clamp_run) latest_ = options.created;
  }

  Result<void> add(int context_root, const std::string& source);
  Result<void> add(const context::Download& download);
  Result<void> add(const GitTree& tree);

  const CopyRequest& request() const { return request_; }
  std::uint64_t entries() const { return entries_; }

 private:
  void wrote(const CopySummary& summary) {
    entries_ += summary.entries;
    if (summary.entries > 0) destination_is_there(request_.destination);
  }
  Result<void> copy(int root, CopyRequest request, const CopyHooks& hooks);
  Result<bool> unpack(int root, const std::string& path);
  std::int64_t clamped(std::int64_t mtime) const {
    return latest_ ? std::min(*latest_, mtime) : mtime;
  }

  const Add& add_;
  CopyRequest request_;
  const CopyHooks hooks_;
  const BuildOptions& options_;
  TarWriter& tar_;
  std::optional<std::int64_t> latest_;  // of the times that the sources bring
  std::uint64_t entries_ = 0;
};

Result<void> AddWriter::copy(int root, CopyRequest request, const CopyHooks& hooks) {
  if (request.sources.empty()) return {};
  wrote(TRY(copy_to_tar(root, request, hooks, tar_)));
  return {};
}

/// False: it is no archive.
Result<bool> AddWriter::unpack(int root, const std::string& path) {
  auto file = TRY(layer::open_beneath(root, path, O_RDONLY | O_NONBLOCK));
  if (!TRY(is_archive(file.get()))) return false;
  ArchiveRequest archive{
      .destination = request_.destination, .made_mtime = options_.created, .latest_mtime = latest_};
  if (!add_.chown.empty()) archive.owner = request_.owner;
  wrote(TRY_CONTEXT(archive_to_tar(file.get(), archive, tar_), "unpack " + path));
  return true;
}

Result<void> AddWriter::add(int context_root, const std::string& source) {
  CopyRequest local = request_;
  local.sources = {source};
  local.mtime = options_.created;
  if (!add_.unpack.value_or(true)) return copy(context_root, std::move(local), hooks_);
  CopyRequest rest = local;
  rest.sources.clear();
  rest.names = true;
  bool any_archive = false;
  for (const auto& match : TRY(match_sources(context_root, local, hooks_))) {
    if (match.regular_file && TRY(unpack(context_root, match.path)))
      any_archive = true;
    else
      rest.sources.push_back(match.name.empty() ? "." : match.name);
  }
  if (!any_archive) return copy(context_root, std::move(local), hooks_);
  rest.destination = request_.destination;
  return copy(context_root, std::move(rest), hooks_);
}

Result<void> AddWriter::add(const context::Download& download) {
  const bool unpacked =
      add_.unpack.value_or(false) && TRY(unpack(download.directory.fd(), download.file_name()));
  if (unpacked) return {};
  CopyRequest remote = request_;
  if (download.name.empty() && remote.destination.is_directory())
    return fail(ErrorKind::InvalidInput,
                "the URL names no file: let the destination be one, without '/' at its end");
  remote.sources = {download.file_name()};
  remote.names = true;
  remote.excludes.clear();
  remote.mtime = clamped(download.last_modified.value_or(0));
  return copy(download.directory.fd(), std::move(remote), {.existing = hooks_.existing});
}

Result<void> AddWriter::add(const GitTree& tree) {
  CopyRequest request = request_;
  request.sources = {"."};
  request.mtime = tree.commit_mtime ? clamped(tree.checkout.source().commit_time.value_or(0))
                                    : options_.created;
  return copy(tree.checkout.root(), std::move(request), {.existing = hooks_.existing});
}

}  // namespace

/// Checks out or downloads the source if it is remote. What a server did not give this time is the
/// source's fault, not the machine's.
Result<AddSource> StageBuilder::fetch_source(const Add& add, const std::string& source) {
  auto fetched = [&]() -> Result<AddSource> {
    if (is_git_over_ssh(source))
      return fail(ErrorKind::InvalidInput,
                  "git over ssh is not supported yet; use an https URL that ends with .git");
    if (auto git = TRY(context::parse_git_url(source))) return fetch_git(add, *std::move(git));
    if (!context::is_http_url(source)) return AddSource(source);
    if (build_.remote.transport == nullptr)
      return fail(ErrorKind::Internal, "this build has no transport");
    return AddSource(TRY(context::download(
        *build_.remote.transport,
        {.url = source, .checksum = add.checksum, .temporary_directory = build_.options.work_dir},
        build_.stop)));
  }();
  if (fetched || fetched.error().kind != ErrorKind::Transient) return fetched;
  // The note is what is shown: it needs the place that the step adds to errors.
  static_cast<void>(build_.note.because(
      Doing::Context, std::as_const(fetched.error())
                          .context(build_.file.name + ":" + std::to_string(step_.line) + ": ADD")));
  return fetched;
}

Result<AddSource> StageBuilder::fetch_git(const Add& add, context::GitSource git) {
  if (add.keep_git_dir && git.keep_git_directory && *add.keep_git_dir != *git.keep_git_directory)
    return fail(ErrorKind::InvalidInput, "--keep-git-dir and the URL contradict each other");
  if (add.keep_git_dir) git.keep_git_directory = add.keep_git_dir;
  if (!add.checksum.empty()) {
    if (!git.checksum.empty() && git.checksum != add.checksum)
      return fail(ErrorKind::InvalidInput, "--checksum and the URL contradict each other");
    git.checksum = add.checksum;
  }
  git.temporary_directory = build_.options.work_dir;
  git.ca_file = build_.remote.ca_file;
  return AddSource(GitTree{TRY(context::check_out_git(git, build_.stop)), git.commit_mtime});
}

Result<void> StageBuilder::apply(const Add& add, const Instruction& original) {
  TRY(check_flags(add));
  const auto request = TRY(make_copy_request(add));
  const auto lowers = TRY(tree());
  std::vector<AddSource> sources;
  for (const auto& source : add.sources) sources.push_back(TRY(fetch_source(add, source)));
  auto made =
      TRY(build_.layers.from_tar(lowers, [&](const ByteSink& sink) -> Result<std::uint64_t> {
        TarWriter tar(sink);
        const auto hooks = context_hooks(add, build_.context, lowers);
        AddWriter writer(add, request, hooks, build_.options, tar);
        for (const auto& source : sources) {
          if (const auto* path = std::get_if<std::string>(&source))
            TRY(writer.add(build_.context.root(), *path));
          else if (const auto* file = std::get_if<context::Download>(&source))
            TRY(writer.add(*file));
          else
            TRY(writer.add(std::get<GitTree>(source)));
        }
        auto inline_files = TRY(copy_inline_files(add, writer.request(), hooks, tar));
        TRY(tar.finish());
        return writer.entries() + inline_files;
      }));
  add_layer(std::move(made), original, context::without_credentials(original.text));
  return {};
}

}  // namespace imagebuild::executor
