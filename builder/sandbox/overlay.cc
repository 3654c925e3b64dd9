#include "builder/sandbox/overlay.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "builder/sandbox/tree_path.h"

namespace imagebuild::sandbox {
namespace {

// mount(2) copies one page and cuts the rest in silence.
constexpr std::size_t max_options = 4095;

std::string numbered(const char* folder, LayerId layer) {
  static const char* digits = "0123456789abcdef";
  std::string hex;
  for (std::uint32_t rest = layer.number; rest != 0 || hex.empty(); rest >>= 4)
    hex.insert(hex.begin(), digits[rest & 15]);
  return std::string(folder) + "/" + hex;
}

}  // namespace

std::string layer_path(LayerId layer) { return numbered("l", layer); }
std::string work_path(LayerId layer) { return numbered("w", layer); }
std::string scaffold_path(LayerId layer) { return numbered("x", layer); }
std::string summary_path(LayerId layer) { return numbered("s", layer); }

Result<void> make_store() {
  for (const char* folder : {"l", "w", "x", "s", "m", "o", "e", "e/0", "e/1"}) {
    if (::mkdir(folder, 0755) < 0) return errno_error(std::string("make ") + folder);
  }
  return {};
}

Result<std::string> overlay_options(const OverlayMount& mount) {
  std::vector<std::string> lowers;  // top first, as overlayfs wants them
  if (mount.scaffold) lowers.push_back(scaffold_path(*mount.scaffold));
  std::for_each(mount.lowers.rbegin(), mount.lowers.rend(),
                [&](LayerId layer) { lowers.push_back(layer_path(layer)); });
  // Overlay wants one lower with an upper and two without.
  const std::size_t least = mount.upper ? 1 : 2;
  for (const char* empty : {"e/0", "e/1"}) {
    if (lowers.size() < least) lowers.push_back(empty);
  }
  std::string options = "userxattr,index=off,lowerdir=";
  for (std::size_t i = 0; i < lowers.size(); ++i) options += (i ? ":" : "") + lowers[i];
  if (mount.upper) {
    options += ",upperdir=" + layer_path(*mount.upper) + ",workdir=" + work_path(*mount.upper);
    if (mount.volatile_upper) options += ",volatile";
  }
  if (options.size() > max_options) {
    return fail(ErrorKind::InvalidInput, std::to_string(mount.lowers.size()) +
                                             " layers are more than one overlay mount takes");
  }
  return options;
}

Result<void> mount_overlay(const OverlayMount& mount, const char* target) {
  const std::string options = TRY(overlay_options(mount));
  if (::mount("overlay", target, "overlay", 0, options.c_str()) == 0) return {};
  const int error = errno;
  if (error == EINVAL && mount.upper && mount.volatile_upper) {
    OverlayMount durable = mount;
    durable.volatile_upper = false;
    return mount_overlay(durable, target);
  }
  return errno_error("mount overlay", error);
}

Result<void> make_upper(LayerId upper, int root) {
  const std::string path = layer_path(upper);
  for (const std::string& made : {path, work_path(upper)}) {
    if (::mkdir(made.c_str(), 0755) < 0) return errno_error("make " + made);
  }
  if (root < 0) return {};
  auto own = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
  return copy_directory_metadata(root, own.get()).context(path);
}

Result<UniqueFd> open_merged(const LowerList& lowers, const char* target) {
  TRY(mount_overlay({.lowers = lowers, .scaffold = {}, .upper = {}}, target));
  return open_file(target, O_RDONLY | O_DIRECTORY);
}

}  // namespace imagebuild::sandbox
