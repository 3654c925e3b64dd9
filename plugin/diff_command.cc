#include "plugin/commands.h"
#include "plugin/diff.h"
#include "plugin/progress_bar.h"
#include "plugin/registry_access.h"

namespace imagebuild::plugin {
namespace {

/// The layers of one image from `first` on.
Result<LayeredFiles> read_files(RegistryAccess& access, const ImageInfo& image, std::size_t first,
                                ProgressBar& bar) {
  LayeredFiles files;
  for (std::size_t i = first; i < image.layers.size(); ++i) {
    files.begin_layer(i);
    TRY(read_layer(
        access.client(), image.reference, image.layers[i].blob,
        [&](const TarEntry& entry) { files.add(entry); },
        [&](std::size_t bytes) { bar.advance(bytes); }));
  }
  return files;
}

std::uint64_t bytes_from(const ImageInfo& image, std::size_t first) {
  std::uint64_t sum = 0;
  for (std::size_t i = first; i < image.layers.size(); ++i) sum += image.layers[i].blob.size;
  return sum;
}

Result<DiffSide> load_side(RegistryAccess& access, const oci::Reference& repository,
                           const ChosenBuild& build, const std::string& platform) {
  const auto digest = TRY(oci::Digest::parse(build.digest));
  const oci::Reference reference = access.reachable(repository.with_digest(digest));
  auto image = load_image(access.client(), reference, platform);
  if (!image && image.error().kind == ErrorKind::NotFound)
    return fail(ErrorKind::NotFound,
                "the registry has no " + reference.to_string() +
                    " any more (deleted, or collected as garbage): compare with another build (" +
                    image.error().message + ")");
  if (!image && image.error().kind == ErrorKind::Transient)
    return fail(ErrorKind::Transient,
                image.error().message +
                    "; if the registry has another name outside the cluster: --registry-mirror " +
                    repository.registry + "=URL");
  return DiffSide{.image = TRY(std::move(image)), .build = build.number};
}

}  // namespace

Result<int> diff_command(Session& session, const DiffFlags& flags) {
  const View view = TRY(fetch_view(session, flags.name));
  if (!view.image)
    return fail(ErrorKind::NotFound,
                view.name + " has no image yet; why: kubectl imagebuild why " + arguments_of(view));
  const ChosenBuild after =
      TRY(choose_build(view, flags.new_image.empty() ? view.image->digest : flags.new_image));
  const ChosenBuild before = flags.old_image.empty() ? TRY(previous_build(view, after.digest))
                                                     : TRY(choose_build(view, flags.old_image));
  const oci::Reference repository =
      TRY(oci::Reference::parse(view.image->ref.empty() ? view.target : view.image->ref));
  RegistryAccess access = TRY(RegistryAccess::make(flags.registry, view.insecure));
  const std::string platform = flags.platform.empty() ? view.image->platform : flags.platform;
  ImageDiff diff{.before = TRY(load_side(access, repository, before, platform)),
                 .after = TRY(load_side(access, repository, after, platform))};
  diff.layers = pair_layers(diff.before.image, diff.after.image, view);
  if (!flags.layers_only) {
    // What lies below the first difference is the same on both sides.
    const std::size_t first = common_layers(diff.before.image, diff.after.image);
    ProgressBar bar(session.console, "reading layers",
                    bytes_from(diff.before.image, first) + bytes_from(diff.after.image, first));
    const LayeredFiles old_files = TRY(read_files(access, diff.before.image, first, bar));
    const LayeredFiles new_files = TRY(read_files(access, diff.after.image, first, bar));
    diff.paths = compare_files(old_files, new_files, flags.top);
    for (const std::string& path : new_files.removed_below())
      if (old_files.removed_below().count(path) == 0) diff.removed_below.push_back("/" + path);
    diff.folded = old_files.folded() + new_files.folded();
  }
  present(
      session, flags.format, [&] { return render_diff(diff, view, session.console.style); },
      [&] { return diff_to_json(diff); });
  return kDone;
}

}  // namespace imagebuild::plugin
