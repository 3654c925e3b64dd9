// The difference of two images: which layers are the same, which replaced which, and which paths
// make the difference. Pure but for the registry that compare_images() reads from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/json.h"
#include "plugin/image_reader.h"
#include "plugin/path_changes.h"
#include "plugin/text.h"
#include "plugin/view.h"

namespace imagebuild::plugin {

/// One of the two images.
struct DiffSide {
  ImageInfo image;
  std::int64_t build = 0;  ///< its number in the history; 0: not known
};

/// A layer of either image, or the two that the same instruction made.
struct LayerChange {
  enum class Kind { Same, Changed, Added, Removed };
  Kind kind = Kind::Same;
  std::optional<std::size_t> before, after;  ///< indexes of layers
  std::uint64_t before_bytes = 0, after_bytes = 0;
  std::string created_by;
  int line = 0;  ///< of the Dockerfile; 0: not known

  std::int64_t delta() const {
    return static_cast<std::int64_t>(after_bytes) - static_cast<std::int64_t>(before_bytes);
  }
};

struct ImageDiff {
  DiffSide before, after;
  std::vector<LayerChange> layers;   ///< in the new image's order, removed ones last
  std::optional<PathChanges> paths;  ///< unless only layers were compared
  std::vector<std::string>
      removed_below;       ///< paths of the layers both have that only the new removes
  std::size_t folded = 0;  ///< paths beyond the limit, summed up by directory
};

/// Pairs as api::align_steps does; lines come from the view's present image.
std::vector<LayerChange> pair_layers(const ImageInfo& before, const ImageInfo& after,
                                     const View& view);

/// The layers above the last one from below that both have: what has to be read.
std::size_t common_layers(const ImageInfo& before, const ImageInfo& after);

std::string render_diff(const ImageDiff& diff, const View& view, const Style& style);
Json diff_to_json(const ImageDiff& diff);

/// A build number or a digest (12 digits are enough) as the history or the present image knows it.
struct ChosenBuild {
  std::int64_t number = 0;
  std::string digest;
};
/// NotFound names the builds that there are.
Result<ChosenBuild> choose_build(const View& view, const std::string& text);
/// The last success whose image is another one than `than`.
Result<ChosenBuild> previous_build(const View& view, const std::string& than);

}  // namespace imagebuild::plugin
