// A context written in the ImageBuild itself: a handful of small files.
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "builder/context/context.h"
#include "builder/context/parts.h"
#include "common/base/scope_exit.h"
#include "common/base/sha256.h"

namespace imagebuild::context {

namespace {

constexpr std::size_t kMaxFiles = 1000;
constexpr std::size_t kMaxBytes = 1u << 20;

Result<void> write_one(const std::string& root, const std::string& name,
                       const std::string& content) {
  std::filesystem::path path = std::filesystem::path(root) / name;
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) return errno_error("make the directory of " + name, error.value());
  UniqueFd fd =
      TRY_CONTEXT(open_file(path.string(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644),
                  "inline file " + name);
  // Modes do not depend on the umask of whoever started us.
  if (::fchmod(fd.get(), 0644) != 0) return errno_error("chmod " + name);
  return write_all(fd.get(), content);
}

Result<void> check_files(const InlineSource& source) {
  if (source.files.empty())
    return fail(ErrorKind::InvalidInput, "inline source: there are no files");
  if (source.files.size() > kMaxFiles)
    return fail(ErrorKind::InvalidInput, "inline source: more than 1,000 files");
  std::size_t bytes = 0;
  for (const auto& [name, content] : source.files) {
    TRY_CONTEXT(checked_relative_path(name), "inline source");
    bytes += content.size();
    for (std::size_t slash = name.find('/'); slash != std::string::npos;
         slash = name.find('/', slash + 1)) {
      if (source.files.count(name.substr(0, slash)) != 0) {
        return fail(ErrorKind::InvalidInput, "inline source: \"" + name.substr(0, slash) +
                                                 "\" is a file and a directory of \"" + name +
                                                 "\"");
      }
    }
  }
  if (bytes > kMaxBytes) return fail(ErrorKind::InvalidInput, "inline source: more than 1 MiB");
  return {};
}

std::string content_id(const InlineSource& source) {
  Sha256 hash;
  for (const auto& [name, content] : source.files) {
    hash.update_part(name);
    hash.update_part(content);
  }
  return "sha256:" + hash.finish_hex();
}

}  // namespace

Result<Context> write_inline(const InlineSource& source) {
  TRY(check_files(source));
  std::string temporary = TRY(make_temporary_directory(source.temporary_directory));
  ScopeExit remove([&temporary] { remove_directory(temporary); });
  for (const auto& [name, content] : source.files) TRY(write_one(temporary, name, content));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(temporary)) {
    if (entry.is_directory() && ::chmod(entry.path().c_str(), 0755) != 0)
      return errno_error("chmod " + entry.path().string());
  }
  if (!source.sub_path.empty())
    TRY_CONTEXT(checked_relative_path(source.sub_path), "inline source: path");
  UniqueFd base = TRY(open_file(temporary, O_RDONLY | O_DIRECTORY));
  auto root = open_in_root(base.get(), source.sub_path, O_RDONLY | O_DIRECTORY);
  if (!root) return fail(ErrorKind::NotFound, "inline source: no directory " + source.sub_path);
  Context::Parts parts{
      .root = std::move(*root),
      .path = source.sub_path.empty() ? temporary : temporary + "/" + source.sub_path,
      .temporary = temporary,
      .shown_as = source.sub_path.empty() ? "the inline files"
                                          : "the inline files below " + source.sub_path,
      .dockerfile = source.dockerfile,
      .source = {.tree = content_id(source)}};
  if (!parts.dockerfile.empty())
    TRY_CONTEXT(checked_relative_path(parts.dockerfile), "inline source: dockerfile");
  remove.release();
  return Context::make(std::move(parts));
}

}  // namespace imagebuild::context
