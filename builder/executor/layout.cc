#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "builder/executor/image.h"
#include "common/base/json.h"

namespace imagebuild::executor {
namespace {

constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";

Result<void> make_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return errno_error("make " + path, error.value());
  return {};
}

Result<void> copy_blob(const BlobStore& blobs, const oci::Digest& digest,
                       const std::string& folder) {
  std::string target = folder + "/" + digest.hex();
  if (::access(target.c_str(), F_OK) == 0) return {};
  auto reader = TRY(blobs.read(digest));
  std::string temporary = target + ".tmp." + std::to_string(::getpid());
  auto file = TRY(open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC));
  std::vector<char> buffer(1 << 20);
  for (;;) {
    std::size_t count = TRY(reader.read(buffer));
    if (count == 0) break;
    TRY(write_all(file.get(), {buffer.data(), count}));
  }
  if (::rename(temporary.c_str(), target.c_str()) != 0) return errno_error("rename " + temporary);
  return {};
}

Result<oci::Index> load_index(const std::string& path) {
  auto text = read_file(path, oci::kMaxManifestBytes);
  if (!text && text.error().kind == ErrorKind::NotFound) return oci::Index{};
  if (!text) return std::move(text).error();
  return oci::Index::parse(*text).context(path);
}

}  // namespace

Result<void> write_layout(const Image& image, const LayoutOutput& output, const BlobStore& blobs) {
  std::string folder = output.directory + "/blobs/sha256";
  TRY(make_directory(folder));
  for (const auto& layer : image.layers)
    TRY(copy_blob(blobs, layer.finished.get()->blob.digest, folder));
  TRY(write_file_atomically(folder + "/" + image.config_descriptor.digest.hex(), image.config));
  TRY(write_file_atomically(folder + "/" + image.digest.hex(), image.manifest));
  TRY(write_file_atomically(output.directory + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})"));
  auto index = TRY(load_index(output.directory + "/index.json"));
  auto entry = image.manifest_descriptor;
  if (!output.tag.empty()) entry.annotations[std::string(kRefName)] = output.tag;
  std::erase_if(index.manifests, [&](const oci::Descriptor& other) {
    auto name = other.annotations.find(std::string(kRefName));
    std::string tag = name == other.annotations.end() ? "" : name->second;
    return tag == output.tag;
  });
  index.manifests.push_back(entry);
  return write_file_atomically(output.directory + "/index.json", index.serialise());
}

}  // namespace imagebuild::executor
