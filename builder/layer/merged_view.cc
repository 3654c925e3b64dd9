#include "builder/layer/merged_view.h"

#include <fcntl.h>

namespace imagebuild::layer {

namespace {

enum class Verdict { Shown, Hidden, LookBelow };

/// Asks one layer about a path, from the root down: it shows the path, hides it,
/// or leaves it to those below.
Result<Verdict> ask_layer(int layer_fd, const std::vector<std::string>& parts) {
  bool opaque = false;
  UniqueFd directory = TRY(duplicate(layer_fd));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    opaque = opaque || is_opaque(directory.get());
    auto info = TRY(stat_at(directory.get(), parts[i]));
    if (!info) return opaque ? Verdict::Hidden : Verdict::LookBelow;
    if (is_whiteout(*info)) return Verdict::Hidden;
    if (i + 1 == parts.size()) return Verdict::Shown;
    if (!S_ISDIR(info->st_mode)) return Verdict::Hidden;
    directory = TRY(open_beneath(directory.get(), parts[i], O_PATH | O_DIRECTORY));
  }
  return Verdict::Shown;  // the root
}

}  // namespace

Result<MergedNode> merged_node(std::span<const int> layers, const std::string& path) {
  const auto parts = components_of(path);
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    Verdict verdict = TRY(ask_layer(*layer, parts));
    if (verdict == Verdict::Hidden) break;
    if (verdict == Verdict::Shown) return MergedNode{TRY(node_beneath(*layer, path)), *layer};
  }
  return MergedNode{};
}

}  // namespace imagebuild::layer
