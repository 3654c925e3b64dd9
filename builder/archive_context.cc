#include "builder/archive_context.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/layer/archive.h"
#include "common/base/sha256.h"

namespace imagebuild {
namespace {

constexpr std::uint64_t kMaxBytes = 8ull << 30;
constexpr std::size_t kMaxDockerfile = 10u << 20;

/// Standard input into a file of that name.
Result<void> spool(const std::string& path) {
  if (::isatty(STDIN_FILENO) == 1)
    return fail(ErrorKind::InvalidInput, "a terminal is no context; pipe a tar into it");
  const UniqueFd file = TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  std::uint64_t total = 0;
  TRY(pump(source_from_fd(STDIN_FILENO), [&](std::string_view bytes) -> Result<void> {
    total += bytes.size();
    if (total > kMaxBytes) return fail(ErrorKind::InvalidInput, "larger than 8 GiB");
    return write_all(file.get(), bytes);
  }));
  if (total == 0) return fail(ErrorKind::InvalidInput, "there is nothing in it");
  return {};
}

Result<std::string> content_id(const std::string& path) {
  const UniqueFd file = TRY(open_file(path, O_RDONLY));
  Sha256 hash;
  TRY(pump(source_from_fd(file.get()), [&](std::string_view bytes) -> Result<void> {
    hash.update(bytes);
    return {};
  }));
  return "sha256:" + hash.finish_hex();
}

/// The archive's files below `root`, or the file as its Dockerfile.
Result<void> fill(const std::string& path, const ArchiveSource& source, const std::string& root) {
  const UniqueFd file = TRY(open_file(path, O_RDONLY));
  const UniqueFd directory = TRY(open_file(root, O_RDONLY | O_DIRECTORY));
  if (TRY(is_archive(file.get()))) return unpack_archive(file.get(), directory.get(), kMaxBytes);
  if (source.files_only) return fail(ErrorKind::InvalidInput, "it is no archive");
  if (!source.dockerfile.empty())
    return fail(ErrorKind::InvalidInput, "it is no archive, so it has no " + source.dockerfile);
  const auto text = read_file(path, kMaxDockerfile);
  if (!text) return fail(ErrorKind::InvalidInput, "it is neither an archive nor a Dockerfile");
  return write_file_atomically(root + "/Dockerfile", *text);
}

Result<context::Context> open(const ArchiveSource& source, const std::string& shown,
                              const std::string& work_dir, const context::Remote& remote,
                              std::stop_token stop) {
  auto received = TRY(context::TemporaryDirectory::make(work_dir));
  std::string path = received.path() + "/context";
  std::optional<context::Download> downloaded;
  if (source.url.empty()) {
    TRY(spool(path));
  } else {
    if (remote.transport == nullptr) return fail(ErrorKind::Internal, "there is no transport");
    downloaded.emplace(TRY(context::download(
        *remote.transport,
        {.url = source.url, .temporary_directory = work_dir, .max_bytes = kMaxBytes}, stop)));
    path = downloaded->directory.path() + "/" + downloaded->file_name();
  }
  auto root = TRY(context::TemporaryDirectory::make(work_dir));
  if (::chmod(root.path().c_str(), 0755) != 0) return errno_error("chmod " + root.path());
  TRY(fill(path, source, root.path()));
  context::Context::Parts parts{.root = TRY(open_file(root.path(), O_RDONLY | O_DIRECTORY)),
                                .path = root.path(),
                                .temporary = {},
                                .shown_as = shown,
                                .dockerfile = source.dockerfile,
                                .source = {.tree = TRY(content_id(path))},
                                .files_only = source.files_only};
  parts.temporary = std::move(root).release();
  return context::Context::make(std::move(parts));
}

}  // namespace

Result<context::Context> open_archive_context(const ArchiveSource& source,
                                              const std::string& work_dir,
                                              const context::Remote& remote, std::stop_token stop) {
  const std::string shown = source.url.empty() ? "standard input" : context::shown_url(source.url);
  return open(source, shown, work_dir, remote, std::move(stop)).context("context " + shown);
}

}  // namespace imagebuild
