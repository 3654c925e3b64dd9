#include "builder/layer/xattr.h"

#include <sys/xattr.h>

#include <cerrno>
#include <vector>

namespace imagebuild::layer {

namespace {

constexpr std::size_t kMaxBytes = 64 << 10;  // the kernel's XATTR_SIZE_MAX and XATTR_LIST_MAX

// There is no lsetxattrat(2) before Linux 6.13; /proc/self/fd leads to
// the directory without a race.
std::string proc_path(int parent_fd, const std::string& name) {
  return "/proc/self/fd/" + std::to_string(parent_fd) + "/" + name;
}

bool unsupported(int number) { return number == ENOTSUP || number == ENOSYS; }

}  // namespace

bool is_overlay_xattr(std::string_view name) {
  return name.starts_with("user.overlay.") || name.starts_with("trusted.overlay.");
}

bool is_machine_xattr(std::string_view name) {
  return is_overlay_xattr(name) || name == "security.selinux" || name == "security.ima" ||
         name == "security.evm";
}

Result<Xattrs> read_xattrs(int parent_fd, const std::string& name) {
  Xattrs attributes;
  const std::string path = proc_path(parent_fd, name);
  ssize_t length = ::llistxattr(path.c_str(), nullptr, 0);
  if (length == 0 || (length < 0 && unsupported(errno))) return attributes;
  std::vector<char> names(kMaxBytes);
  length = ::llistxattr(path.c_str(), names.data(), names.size());
  if (length < 0) return errno_error(name + ": list extended attributes");
  std::string value;
  for (std::string_view rest(names.data(), static_cast<std::size_t>(length)); !rest.empty();) {
    std::string key(rest.substr(0, rest.find('\0')));
    rest.remove_prefix(key.size() + 1);
    if (is_machine_xattr(key)) continue;
    value.resize(kMaxBytes);
    ssize_t n = ::lgetxattr(path.c_str(), key.c_str(), value.data(), value.size());
    if (n < 0 && (errno == ENODATA || unsupported(errno))) continue;
    if (n < 0) return errno_error(name + ": read extended attribute " + key);
    attributes.emplace(std::move(key), value.substr(0, static_cast<std::size_t>(n)));
  }
  return attributes;
}

Result<XattrOutcome> set_xattr(int parent_fd, const std::string& name, const std::string& key,
                               std::string_view value) {
  if (::lsetxattr(proc_path(parent_fd, name).c_str(), key.c_str(), value.data(), value.size(), 0) ==
      0)
    return XattrOutcome::Set;
  if (key != "security.capability" && (errno == EPERM || unsupported(errno)))
    return XattrOutcome::Refused;
  return errno_error(name + ": set extended attribute " + key);
}

bool is_opaque(int directory_fd) {
  char value = 0;
  return ::lgetxattr(proc_path(directory_fd, ".").c_str(), kOpaque, &value, 1) == 1 && value == 'y';
}

Result<void> make_opaque(int directory_fd) {
  if (::lsetxattr(proc_path(directory_fd, ".").c_str(), kOpaque, "y", 1, 0) == 0) return {};
  return errno_error("mark directory as opaque");
}

}  // namespace imagebuild::layer
