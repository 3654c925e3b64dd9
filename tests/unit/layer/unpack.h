// For the tests: unpack entries given in memory.
#pragma once

#include "builder/layer/unpack.h"
#include "tests/support/archives.h"
#include "tests/unit/layer/tree.h"

namespace imagebuild::testing {

inline Result<UnpackSummary> unpack(const Tree& tree, const Entries& entries,
                                    const UnpackOptions& options = {}) {
  const std::string bytes = write_tar(entries);
  TarReader reader(source_from_bytes(bytes));
  return unpack_layer(tree.fd(), reader, options);
}

inline TarEntry a_file(std::string path, unsigned mode = 0644) {
  return {.path = std::move(path), .mode = mode};
}
inline TarEntry a_dir(std::string path, unsigned mode = 0755) {
  return {.path = std::move(path), .type = EntryType::Directory, .mode = mode};
}
inline TarEntry a_link(std::string path, std::string target) {
  return {.path = std::move(path),
          .type = EntryType::Symlink,
          .mode = 0777,
          .link_target = std::move(target)};
}
inline TarEntry a_hard_link(std::string path, std::string target) {
  return {.path = std::move(path), .type = EntryType::HardLink, .link_target = std::move(target)};
}

}  // namespace imagebuild::testing
