#include "common/archive/tar.h"

namespace imagebuild {

std::string_view to_string(EntryType type) {
  switch (type) {
    case EntryType::Regular:
      return "file";
    case EntryType::Directory:
      return "directory";
    case EntryType::Symlink:
      return "symlink";
    case EntryType::HardLink:
      return "hard link";
    case EntryType::CharDevice:
      return "character device";
    case EntryType::BlockDevice:
      return "block device";
    case EntryType::Fifo:
      return "FIFO";
  }
  return "entry";
}

}  // namespace imagebuild
