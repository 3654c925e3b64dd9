// A context that was pushed to a registry as an artifact: one layer, a tar. It is downloaded whole
// (digest and size verified) before anything is unpacked, and unpacked without following a link.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "builder/context/context.h"
#include "builder/context/parts.h"
#include "common/api/spec.h"
#include "common/archive/tar.h"
#include "common/base/scope_exit.h"
#include "common/oci/manifest.h"
#include "common/registry/client.h"

namespace imagebuild::context {

namespace {

constexpr std::uint64_t kMaxDownload = 2ull << 30;
constexpr std::uint64_t kMaxUnpacked = 8ull << 30;
constexpr std::uint64_t kMaxEntries = 500'000;

Result<oci::Descriptor> find_layer(registry::Client& client, const oci::Reference& reference) {
  const auto raw = TRY(client.fetch_manifest(reference));
  const auto manifest = TRY(oci::Manifest::parse(raw.bytes));
  const std::string& type =
      manifest.artifact_type.empty() ? manifest.config.media_type : manifest.artifact_type;
  if (type != api::kContextArtifactType)
    return fail(ErrorKind::InvalidInput, "it is \"" + type.substr(0, 128) + "\", not a context (" +
                                             std::string(api::kContextArtifactType) + ")");
  if (manifest.layers.size() != 1)
    return fail(ErrorKind::InvalidInput,
                "a context has one layer, this has " + std::to_string(manifest.layers.size()));
  if (manifest.layers[0].size > kMaxDownload)
    return fail(ErrorKind::InvalidInput, "the context is larger than 2 GiB");
  return manifest.layers[0];
}

/// Unpacks below one directory. Only files, directories and symbolic links; nothing twice.
class Unpacker {
 public:
  explicit Unpacker(int root) : root_(root) {}

  Result<void> unpack(TarReader& reader) {
    for (;;) {
      auto entry = TRY(reader.next());
      if (!entry) return {};
      if (entry->path == "." || entry->path == "./") continue;
      TRY_CONTEXT(take(*entry, reader), "context: " + entry->path.substr(0, 256));
    }
  }

 private:
  /// The directory `path`, made if need be; a link on the way is an error.
  Result<UniqueFd> directory(std::string_view path) {
    UniqueFd at = TRY(duplicate(root_));
    for (std::size_t start = 0; start < path.size();) {
      const std::size_t end = std::min(path.find('/', start), path.size());
      const std::string name(path.substr(start, end - start));
      if (::mkdirat(at.get(), name.c_str(), 0755) == 0) {
        // The mode does not depend on our umask.
        if (::fchmodat(at.get(), name.c_str(), 0755, 0) != 0) return errno_error("chmod");
      } else if (errno != EEXIST) {
        return errno_error("make directory");
      }
      UniqueFd next(
          ::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!next && (errno == ENOTDIR || errno == ELOOP))
        return fail(ErrorKind::InvalidInput, "\"" + name + "\" on the way is no directory");
      if (!next) return errno_error("open directory");
      at = std::move(next);
      start = end + 1;
    }
    return at;
  }

  Result<void> take(const TarEntry& entry, TarReader& reader) {
    std::string_view given = entry.path;
    while (given.starts_with("./")) given.remove_prefix(2);
    const std::string path = TRY(checked_relative_path(given));
    if (entry.type == EntryType::Directory) {
      TRY(directory(path));
      return {};
    }
    const std::size_t slash = path.rfind('/');
    const UniqueFd parent =
        TRY(directory(slash == std::string::npos ? "" : std::string_view(path).substr(0, slash)));
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (entry.type == EntryType::Regular) return write(parent.get(), name, entry, reader);
    if (entry.type != EntryType::Symlink)
      return fail(ErrorKind::InvalidInput,
                  "a context has no " + std::string(to_string(entry.type)) + "s");
    if (::symlinkat(entry.link_target.c_str(), parent.get(), name.c_str()) != 0) return made(errno);
    return {};
  }

  Result<void> write(int parent, const std::string& name, const TarEntry& entry,
                     TarReader& reader) {
    unpacked_ += entry.size;
    if (unpacked_ > kMaxUnpacked)
      return fail(ErrorKind::InvalidInput, "the context unpacks to more than 8 GiB");
    UniqueFd file(
        ::openat(parent, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return made(errno);
    for (;;) {
      auto part = TRY(reader.read());
      if (part.empty()) break;
      TRY(write_all(file.get(), part));
    }
    if (::fchmod(file.get(), (entry.mode & 0100) != 0 ? 0755 : 0644) != 0)
      return errno_error("chmod");
    return {};
  }

  static Error made(int number) {
    return number == EEXIST ? fail(ErrorKind::InvalidInput, "it is in the archive twice")
                            : errno_error("make it", number);
  }

  const int root_;
  std::uint64_t unpacked_ = 0;
};

Result<void> download(registry::Client& client, const oci::Reference& reference,
                      const oci::Descriptor& layer, int fd) {
  return client.fetch_blob(reference, layer,
                           [fd](std::string_view bytes) { return write_all(fd, bytes); });
}

Result<std::string> pull(registry::Client& client, const OciSource& source,
                         const std::string& directory) {
  const auto reference = TRY(oci::Reference::parse(source.ref));
  if (!reference.digest)
    return fail(ErrorKind::InvalidInput, "the context's reference names no digest");
  const oci::Descriptor layer = TRY(find_layer(client, reference));
  const std::string archive = directory + ".tar";
  const UniqueFd file = TRY(open_file(archive, O_RDWR | O_CREAT | O_EXCL, 0600));
  ::unlink(archive.c_str());
  TRY(download(client, reference, layer, file.get()));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return errno_error("rewind the context");
  const UniqueFd root = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  TarReader reader(source.decompress(source_from_fd(file.get())), {.entries = kMaxEntries});
  TRY(Unpacker(root.get()).unpack(reader));
  return layer.digest.to_string();
}

}  // namespace

Result<Context> pull_oci(registry::Client& client, const OciSource& source) {
  std::string temporary = TRY(make_temporary_directory(source.temporary_directory));
  ScopeExit remove([&temporary] { remove_directory(temporary); });
  if (::chmod(temporary.c_str(), 0755) != 0) return errno_error("chmod " + temporary);
  const std::string tree = TRY_CONTEXT(pull(client, source, temporary), "context " + source.ref);
  if (!source.sub_path.empty()) TRY_CONTEXT(checked_relative_path(source.sub_path), "path");
  const UniqueFd base = TRY(open_file(temporary, O_RDONLY | O_DIRECTORY));
  auto root = open_in_root(base.get(), source.sub_path, O_RDONLY | O_DIRECTORY);
  if (!root)
    return fail(ErrorKind::NotFound, "context " + source.ref + ": no directory " + source.sub_path);
  Context::Parts parts{
      .root = std::move(*root),
      .path = source.sub_path.empty() ? temporary : temporary + "/" + source.sub_path,
      .temporary = temporary,
      .shown_as = source.sub_path.empty() ? "the uploaded context"
                                          : source.sub_path + " of the uploaded context",
      .dockerfile = source.dockerfile,
      .source = {.tree = tree}};
  if (!parts.dockerfile.empty()) TRY_CONTEXT(checked_relative_path(parts.dockerfile), "dockerfile");
  remove.release();
  return Context::make(std::move(parts));
}

}  // namespace imagebuild::context
