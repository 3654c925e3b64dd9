#include "plugin/local_context.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>

#include "common/archive/tar.h"
#include "common/base/json.h"
#include "common/base/unique_fd.h"
#include "common/patterns/ignore_rules.h"

namespace imagebuild::plugin {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFiles = 500'000;
constexpr std::uint64_t kMaxInlineBytes = 60u << 10;
constexpr std::size_t kMaxInlineFiles = 256;
constexpr std::size_t kMaxIgnoreFile = 1u << 20;

/// The Dockerfile's path relative to the directory.
Result<std::string> locate_dockerfile(const std::string& directory, const std::string& wanted) {
  std::error_code error;
  const std::string name = wanted.empty() ? "Dockerfile" : wanted;
  if (fs::path(name).is_relative() && fs::is_regular_file(fs::path(directory) / name, error)) {
    const std::string clean = fs::path(name).lexically_normal().string();
    if (!clean.starts_with("..")) return clean;
  }
  if (wanted.empty() || !fs::is_regular_file(name, error))
    return fail(ErrorKind::NotFound,
                "no " + name + " in " + directory + "; another Dockerfile is named with -f");
  const fs::path root = fs::weakly_canonical(directory, error);
  const std::string inside = fs::weakly_canonical(name, error).lexically_relative(root).string();
  if (inside.empty() || inside.starts_with(".."))
    return fail(ErrorKind::InvalidInput, name + " lies outside " + directory +
                                             ": the cluster gets that directory only, so "
                                             "copy the Dockerfile into it");
  return inside;
}

struct Rules {
  IgnoreRules rules;
  std::string file;  ///< "" when there is none
};

Result<Rules> load_rules(const std::string& directory, const std::string& dockerfile) {
  for (const std::string& name : {dockerfile + ".dockerignore", std::string(".dockerignore")}) {
    auto text = read_file(directory + "/" + name, kMaxIgnoreFile);
    if (!text && text.error().kind == ErrorKind::NotFound) continue;
    if (!text) return std::move(text).error();
    return Rules{TRY_CONTEXT(IgnoreRules::parse(*text), name), name};
  }
  return Rules{};
}

class Scanner {
 public:
  Scanner(LocalContext& context, const Rules& rules) : context_(context), rules_(rules) {}

  Result<void> scan(const std::string& below) {
    std::error_code error;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator at(fs::path(context_.directory) / below, error), end;
         !error && at != end; at.increment(error))
      entries.push_back(*at);
    if (error) return errno_error("read " + context_.directory + "/" + below, error.value());
    std::sort(entries.begin(), entries.end());
    for (const auto& entry : entries) TRY(take(entry, below));
    return {};
  }

 private:
  bool always(const std::string& path) const {
    return path == context_.dockerfile || path == rules_.file;
  }

  Result<void> take(const fs::directory_entry& entry, const std::string& below) {
    const std::string name = entry.path().filename().string();
    const std::string path = below.empty() ? name : below + "/" + name;
    std::error_code error;
    const fs::file_status status = entry.symlink_status(error);
    if (error) return errno_error("stat " + entry.path().string(), error.value());
    const bool ignored = rules_.rules.ignored(path) && !always(path);
    if (fs::is_directory(status)) {
      const bool leads_to_kept = context_.dockerfile.starts_with(path + "/");
      if (ignored && !leads_to_kept && !rules_.rules.may_contain_included(path)) return {};
      if (!ignored) TRY(push({.path = path, .type = LocalFile::Type::Directory}));
      return scan(path);
    }
    if (ignored) return {};
    if (fs::is_symlink(status)) {
      const std::string target = fs::read_symlink(entry.path(), error).string();
      if (error) return errno_error("read link " + entry.path().string(), error.value());
      return push({.path = path, .type = LocalFile::Type::Symlink, .link_target = target});
    }
    if (!fs::is_regular_file(status)) {
      ++context_.skipped;
      return {};
    }
    const auto size = fs::file_size(entry.path(), error);
    if (error) return errno_error("stat " + entry.path().string(), error.value());
    const bool executable = (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
    context_.bytes += size;
    return push({.path = path, .executable = executable, .size = size});
  }

  Result<void> push(LocalFile file) {
    if (context_.files.size() >= kMaxFiles)
      return fail(ErrorKind::InvalidInput, context_.directory +
                                               " has more than 500,000 files: leave some out with "
                                               ".dockerignore");
    context_.files.push_back(std::move(file));
    return {};
  }

  LocalContext& context_;
  const Rules& rules_;
};

bool is_text(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return false;
  // Valid UTF-8 survives being written as JSON; anything else is replaced.
  const Json value = std::string(text);
  auto back = parse_json(dump_json(value));
  return back.ok() && *back == value;
}

Result<void> write_content(const LocalContext& context, const LocalFile& file, TarWriter& writer) {
  const std::string path = context.directory + "/" + file.path;
  const UniqueFd fd = TRY(open_file(path, O_RDONLY | O_NOFOLLOW));
  std::vector<char> buffer(256u << 10);
  std::uint64_t left = file.size;
  while (left > 0) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
    const std::size_t count = TRY_CONTEXT(read_some(fd.get(), {buffer.data(), part}), path);
    if (count == 0)
      return fail(ErrorKind::Conflict, path + " became shorter while it was read; try again");
    TRY(writer.write({buffer.data(), count}));
    left -= count;
  }
  return {};
}

}  // namespace

Result<LocalContext> scan_context(const std::string& directory, const std::string& dockerfile) {
  std::error_code error;
  if (!fs::is_directory(directory, error))
    return fail(ErrorKind::NotFound, "no directory " + directory);
  LocalContext context{.directory = directory,
                       .dockerfile = TRY(locate_dockerfile(directory, dockerfile))};
  const Rules rules = TRY(load_rules(directory, context.dockerfile));
  TRY(Scanner(context, rules).scan(""));
  return context;
}

Result<std::optional<std::map<std::string, std::string>>> inline_files(
    const LocalContext& context) {
  using Files = std::optional<std::map<std::string, std::string>>;
  if (context.bytes > kMaxInlineBytes) return Files();
  std::map<std::string, std::string> files;
  std::uint64_t bytes = 0;
  std::vector<std::string> directories;
  for (const LocalFile& file : context.files) {
    if (file.type == LocalFile::Type::Directory) {
      directories.push_back(file.path);
      continue;
    }
    if (file.type != LocalFile::Type::Regular || file.executable) return Files();
    std::string text = TRY(read_file(context.directory + "/" + file.path, kMaxInlineBytes));
    bytes += file.path.size() + text.size();
    if (!is_text(text) || !is_text(file.path)) return Files();
    files[file.path] = std::move(text);
  }
  if (bytes > kMaxInlineBytes || files.size() > kMaxInlineFiles) return Files();
  for (const std::string& directory : directories) {
    auto below = files.lower_bound(directory + "/");
    if (below == files.end() || !below->first.starts_with(directory + "/"))
      return Files();  // empty
  }
  return Files(std::move(files));
}

Result<void> write_context_tar(const LocalContext& context, const ByteSink& sink) {
  TarWriter writer(sink);
  for (const LocalFile& file : context.files) {
    TarEntry entry{.path = file.path};
    switch (file.type) {
      case LocalFile::Type::Regular:
        entry.mode = file.executable ? 0755 : 0644;
        entry.size = file.size;
        break;
      case LocalFile::Type::Directory:
        entry.type = EntryType::Directory;
        entry.mode = 0755;
        break;
      case LocalFile::Type::Symlink:
        entry.type = EntryType::Symlink;
        entry.mode = 0777;
        entry.link_target = file.link_target;
        break;
    }
    TRY_CONTEXT(writer.begin(entry), file.path);
    if (file.type == LocalFile::Type::Regular) TRY(write_content(context, file, writer));
  }
  return writer.finish();
}

}  // namespace imagebuild::plugin
