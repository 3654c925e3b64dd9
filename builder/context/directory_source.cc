// A directory on this machine, and what git knows about it.
#include <fcntl.h>

#include <charconv>
#include <filesystem>

#include "builder/context/context.h"
#include "builder/context/git_command.h"

namespace imagebuild::context {

namespace {

/// Commit, time and changes of a work tree. Best effort by nature: no git, no work tree or somebody
/// else's (git refuses those) all mean that there is no revision to report.
SourceInfo describe(const std::string& path, const std::string& home) {
  SourceInfo info;
  GitCommand git({.home = home}, {});
  auto head = git.output({"-C", path, "log", "-1", "--no-show-signature", "--format=%H %ct"});
  if (!head) return info;
  std::size_t blank = head->find(' ');
  if (blank == std::string::npos) return info;
  info.commit = head->substr(0, blank);
  std::int64_t seconds = 0;
  auto [end, status] =
      std::from_chars(head->data() + blank + 1, head->data() + head->size(), seconds);
  if (status == std::errc() && end == head->data() + head->size()) info.commit_time = seconds;
  auto branch = git.output({"-C", path, "symbolic-ref", "--short", "-q", "HEAD"});
  info.revision = (branch && !branch->empty() ? *branch : "HEAD") +
                  (info.commit.size() == 64 ? "@sha256:" : "@sha1:") + info.commit;
  auto tree = git.output({"-C", path, "rev-parse", "HEAD:./"});
  if (tree) info.tree = *tree;
  auto changes =
      git.output({"-C", path, "status", "--porcelain", "--untracked-files=normal", "--", "."});
  info.dirty = !changes || !changes->empty();
  return info;
}

}  // namespace

Result<Context> open_directory(const DirectorySource& source) {
  const std::string path = source.path.empty() ? "." : source.path;
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    return fail(
        std::filesystem::exists(path, error) ? ErrorKind::InvalidInput : ErrorKind::NotFound,
        "context " + path +
            (std::filesystem::exists(path, error) ? " is not a directory" : " does not exist"));
  }
  Context::Parts parts{.root = TRY_CONTEXT(open_file(path, O_RDONLY | O_DIRECTORY), "context"),
                       .path = std::filesystem::absolute(path, error).lexically_normal().string(),
                       .temporary = {},
                       .shown_as = path,
                       .dockerfile = source.dockerfile,
                       .source = describe(path, "/nonexistent"),
                       .files_only = source.files_only};
  return Context::make(std::move(parts));
}

}  // namespace imagebuild::context
