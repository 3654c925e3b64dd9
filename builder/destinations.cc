#include "builder/destinations.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "common/base/unique_fd.h"

namespace imagebuild {
namespace {

namespace fs = std::filesystem;

Result<void> check_writable(const std::string& directory) {
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) return errno_error(directory);
  if (!S_ISDIR(info.st_mode)) return errno_error(directory, ENOTDIR);
  if (::access(directory.c_str(), W_OK | X_OK) != 0) return errno_error(directory);
  return {};
}

Result<void> check_file(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return errno_error(path, EISDIR);
  auto parent = fs::path(path).parent_path().string();
  return check_writable(parent.empty() ? "." : parent);
}

}  // namespace

Result<void> write_report(const std::string& path, std::string_view text) {
  struct stat info {};
  const bool regular = ::lstat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode);
  if (regular) return write_file_atomically(path, text);
  auto file = TRY(open_file(path, O_WRONLY | O_CREAT | O_TRUNC));
  return write_all(file.get(), text).context(path);
}

Result<void> check_destinations(const executor::Output& output, const std::string& report) {
  if (!report.empty()) TRY_CONTEXT(check_file(report), "--report");
  if (const auto* archive = std::get_if<executor::ArchiveOutput>(&output)) {
    TRY_CONTEXT(check_file(archive->path), "--output");
    // It is renamed into place, which would replace a device, a pipe or a link.
    struct stat info {};
    if (::lstat(archive->path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
      return fail(ErrorKind::InvalidInput, "--output: " + archive->path + " is not a regular file");
    return {};
  }
  const auto* layout = std::get_if<executor::LayoutOutput>(&output);
  if (layout == nullptr) return {};
  std::error_code error;
  fs::create_directories(layout->directory, error);
  const std::string flag = "--output oci:";
  if (error) return errno_error(layout->directory, error.value()).context(flag);
  return check_writable(layout->directory).context(flag);
}

}  // namespace imagebuild
