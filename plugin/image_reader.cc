#include "plugin/image_reader.h"

#include <thread>

#include "builder/layer/compression.h"
#include "plugin/channel.h"

namespace imagebuild::plugin {
namespace {

// Nothing is written, so this only ends what would never end.
constexpr std::uint64_t kMaxUnpacked = 1ull << 40;

Result<void> read_entries(TarReader& reader, const std::function<void(const TarEntry&)>& take) {
  for (;;) {
    auto entry = TRY(reader.next());
    if (!entry) return {};
    take(*entry);
  }
}

}  // namespace

Result<ImageInfo> load_image(registry::Client& client, const oci::Reference& reference,
                             const std::string& platform) {
  const oci::Platform wanted =
      platform.empty() ? oci::Platform::host() : TRY(oci::Platform::parse(platform));
  auto resolved = TRY(client.resolve(reference, wanted));
  auto config = TRY(client.fetch_config(reference, resolved.manifest.config));
  ImageInfo info{.reference = reference.with_digest(resolved.digest),
                 .platform = config.platform().to_string()};
  std::vector<std::string> made_by;
  for (const oci::History& step : config.history)
    if (!step.empty_layer) made_by.push_back(step.created_by);
  // A history that does not match the layers (squashed, flattened) says nothing about any of them.
  if (made_by.size() != resolved.manifest.layers.size())
    made_by.assign(resolved.manifest.layers.size(), "");
  for (std::size_t i = 0; i < made_by.size(); ++i) {
    info.size_bytes += resolved.manifest.layers[i].size;
    info.layers.push_back({resolved.manifest.layers[i], std::move(made_by[i])});
  }
  return info;
}

Result<void> read_layer(registry::Client& client, const oci::Reference& repository,
                        const oci::Descriptor& blob,
                        const std::function<void(const TarEntry&)>& take,
                        const std::function<void(std::size_t)>& got) {
  Channel channel;
  std::jthread download([&] {
    channel.close(client.fetch_blob(repository, blob, [&](std::string_view bytes) -> Result<void> {
      got(bytes.size());
      return channel.write(bytes);
    }));
  });
  TarReader reader(
      open_decompressor([&](std::span<char> out) { return channel.read(out); }, kMaxUnpacked));
  auto result = read_entries(reader, take);
  channel.abandon();
  download.join();
  return std::move(result).context("layer " + blob.digest.to_string());
}

}  // namespace imagebuild::plugin
