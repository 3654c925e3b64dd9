#include "plugin/diff.h"

#include <algorithm>
#include <charconv>

#include "common/api/step_alignment.h"

namespace imagebuild::plugin {
namespace {

constexpr std::size_t kShortestDigest = 6;

std::string known_builds(const View& view) {
  std::string known;
  for (const HistoryView& entry : view.history)
    if (!entry.digest.empty())
      known += (known.empty() ? "" : ", ") + std::to_string(entry.number) + " (" +
               entry.digest.substr(0, 19) + ")";
  return known.empty() ? "the history has no image" : "the history has " + known;
}

/// A step that was rewritten stands where it stood, if nothing was added or removed.
std::vector<api::StepLayer> steps_of(const ImageInfo& image,
                                     const std::vector<std::string>& digests, bool places) {
  std::vector<api::StepLayer> steps;
  for (std::size_t i = 0; i < image.layers.size(); ++i)
    steps.push_back({.digest = digests[i],
                     .created_by = image.layers[i].created_by,
                     .size_bytes = image.layers[i].blob.size,
                     .origin = "own",
                     .place = places ? static_cast<int>(i) + 1 : 0});
  return steps;
}

std::vector<std::string> digests_of(const ImageInfo& image) {
  std::vector<std::string> digests;
  for (const LayerInfo& layer : image.layers) digests.push_back(layer.blob.digest.hex());
  return digests;
}

std::int64_t number_of(const View& view, const std::string& digest) {
  for (const HistoryView& entry : view.history)
    if (entry.digest == digest) return entry.number;
  return 0;
}

}  // namespace

std::size_t common_layers(const ImageInfo& before, const ImageInfo& after) {
  std::size_t count = 0;
  while (count < std::min(before.layers.size(), after.layers.size()) &&
         before.layers[count].blob.digest == after.layers[count].blob.digest)
    ++count;
  return count;
}

std::vector<LayerChange> pair_layers(const ImageInfo& before, const ImageInfo& after,
                                     const View& view) {
  std::vector<bool> taken(before.layers.size(), false);
  std::vector<LayerChange> changes(after.layers.size());
  const bool places = before.layers.size() == after.layers.size();
  const auto old_digests = digests_of(before), new_digests = digests_of(after);
  const auto pairs =
      api::align_steps(steps_of(after, new_digests, places), steps_of(before, old_digests, places));
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (!pairs[i]) continue;
    const std::size_t j = *pairs[i];
    taken[j] = true;
    changes[i].before = j;
    changes[i].before_bytes = before.layers[j].blob.size;
    changes[i].kind =
        old_digests[j] == new_digests[i] ? LayerChange::Kind::Same : LayerChange::Kind::Changed;
  }
  for (std::size_t i = 0; i < changes.size(); ++i) {
    LayerChange& change = changes[i];
    if (!change.before) change.kind = LayerChange::Kind::Added;
    change.after = i;
    change.after_bytes = after.layers[i].blob.size;
    change.created_by = after.layers[i].created_by;
    change.line = view.line_of_layer(after.layers[i].blob.digest.hex());
  }
  for (std::size_t j = 0; j < taken.size(); ++j)
    if (!taken[j])
      changes.push_back({.kind = LayerChange::Kind::Removed,
                         .before = j,
                         .before_bytes = before.layers[j].blob.size,
                         .created_by = before.layers[j].created_by,
                         .line = view.line_of_layer(before.layers[j].blob.digest.hex())});
  return changes;
}

Result<ChosenBuild> choose_build(const View& view, const std::string& text) {
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && text.size() < kShortestDigest) {
    for (const HistoryView& entry : view.history)
      if (entry.number == number && !entry.digest.empty()) return ChosenBuild{number, entry.digest};
    return fail(ErrorKind::NotFound, "build " + text + " of " + view.name +
                                         " made no image that is known: " + known_builds(view));
  }
  if (auto digest = oci::Digest::parse(text))
    return ChosenBuild{number_of(view, digest->to_string()), digest->to_string()};
  const std::string wanted = text.starts_with("sha256:") ? text : "sha256:" + text;
  if (wanted.size() >= std::string_view("sha256:").size() + kShortestDigest) {
    if (view.image && view.image->digest.starts_with(wanted))
      return ChosenBuild{number_of(view, view.image->digest), view.image->digest};
    for (const HistoryView& entry : view.history)
      if (entry.digest.starts_with(wanted)) return ChosenBuild{entry.number, entry.digest};
  }
  return fail(ErrorKind::NotFound,
              text + " is neither a build number nor the digest of a build: " + known_builds(view));
}

Result<ChosenBuild> previous_build(const View& view, const std::string& than) {
  bool passed = number_of(view, than) == 0;  // not in the history: the newest will do
  for (const HistoryView& entry : view.history) {
    passed = passed || entry.digest == than;
    if (passed && entry.result == "Success" && !entry.digest.empty() && entry.digest != than)
      return ChosenBuild{entry.number, entry.digest};
  }
  return fail(ErrorKind::NotFound, "there is no earlier image of " + view.name +
                                       " to compare with (" + known_builds(view) +
                                       "); name one by its digest: diff " + view.name +
                                       " sha256:…");
}

}  // namespace imagebuild::plugin
