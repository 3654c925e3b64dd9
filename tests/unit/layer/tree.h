// A directory for the tests: made by statements, read back as one text that a test can compare.
//
//   dir  bin 755 0:0 @100
//   file bin/sh 4755 0:0 @100 "content" {user.a=b}
//   link lib -> usr/lib
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>

#include "builder/layer/node.h"
#include "common/base/unique_fd.h"
#include "tests/support/catch.h"

namespace imagebuild::testing {

class Tree {
 public:
  Tree() {
    char name[] = "/tmp/imagebuild-layer-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path_ = name;
    fd_ = std::move(*open_file(path_, O_RDONLY | O_DIRECTORY));
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree() { std::filesystem::remove_all(path_); }

  int fd() const { return fd_.get(); }
  std::string at(const std::string& name) const { return path_ + "/" + name; }

  Tree& dir(const std::string& name, unsigned mode = 0755, unsigned owner = 0,
            std::int64_t mtime = 100) {
    std::filesystem::create_directories(at(name));
    return meta(name, mode, owner, mtime);
  }
  Tree& file(const std::string& name, const std::string& content = "", unsigned mode = 0644,
             unsigned owner = 0, std::int64_t mtime = 100) {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    auto fd = open_file(at(name), O_WRONLY | O_CREAT | O_TRUNC);
    REQUIRE(fd.ok());
    REQUIRE(write_all(fd->get(), content).ok());
    return meta(name, mode, owner, mtime);
  }
  Tree& link(const std::string& name, const std::string& target) {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    REQUIRE(::symlink(target.c_str(), at(name).c_str()) == 0);
    return *this;
  }
  Tree& hard(const std::string& name, const std::string& target) {
    REQUIRE(::link(at(target).c_str(), at(name).c_str()) == 0);
    return *this;
  }
  Tree& whiteout(const std::string& name) {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    REQUIRE(::mknod(at(name).c_str(), S_IFCHR, 0) == 0);
    return *this;
  }
  Tree& xattr(const std::string& name, const std::string& key, const std::string& value) {
    REQUIRE(::lsetxattr(at(name).c_str(), key.c_str(), value.data(), value.size(), 0) == 0);
    return *this;
  }
  Tree& meta(const std::string& name, unsigned mode, unsigned owner, std::int64_t mtime) {
    REQUIRE(::lchown(at(name).c_str(), owner, owner) == 0);
    REQUIRE(::chmod(at(name).c_str(), mode) == 0);
    return time(name, mtime);
  }
  Tree& time(const std::string& name, std::int64_t mtime) {
    struct timespec times[2] = {{mtime, 0}, {mtime, 0}};
    REQUIRE(::utimensat(AT_FDCWD, at(name).c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
    return *this;
  }

  bool exists(const std::string& name) const {
    struct stat info;
    return ::lstat(at(name).c_str(), &info) == 0;
  }
  struct stat info(const std::string& name) const {
    struct stat info = {};
    INFO(name);
    REQUIRE(::lstat(at(name).c_str(), &info) == 0);
    return info;
  }
  std::string content(const std::string& name) const {
    auto bytes = read_file(at(name));
    INFO(name);
    REQUIRE(bytes.ok());
    return *bytes;
  }
  unsigned mode(const std::string& name) const { return info(name).st_mode & 07777; }
  std::string opaque(const std::string& name) const {
    return attribute(name, "user.overlay.opaque");
  }
  std::string attribute(const std::string& name, const std::string& key) const {
    char value[1024];
    ssize_t n = ::lgetxattr(at(name).c_str(), key.c_str(), value, sizeof value);
    return n < 0 ? "" : std::string(value, static_cast<std::size_t>(n));
  }

  /// The whole tree, one line an entry, hard links by the first name of their inode.
  std::string text() const {
    std::ostringstream out;
    std::map<ino_t, std::string> seen;
    list(out, fd(), "", seen);
    return out.str();
  }

 private:
  static void list(std::ostringstream& out, int directory, const std::string& prefix,
                   std::map<ino_t, std::string>& seen) {
    const auto names = layer::list_directory(directory);
    REQUIRE(names.ok());
    for (const auto& name : *names) {
      const auto info = **layer::stat_at(directory, name);
      const std::string path = layer::join_path(prefix, name);
      if (layer::is_whiteout(info)) {
        out << "whiteout " << path << '\n';
        continue;
      }
      auto entry = **layer::entry_of(directory, name, info, path);
      out << to_string(entry.type) << ' ' << path << ' ' << std::oct << entry.mode << std::dec
          << ' ' << entry.uid << ':' << entry.gid << " @" << entry.mtime.seconds << '.'
          << entry.mtime.nanoseconds;
      if (!entry.link_target.empty()) out << " -> " << entry.link_target;
      for (const auto& [key, value] : entry.xattrs) out << " {" << key << '=' << value << '}';
      if (info.st_nlink > 1 && !S_ISDIR(info.st_mode))
        out << " #" << seen.try_emplace(info.st_ino, path).first->second;
      if (S_ISREG(info.st_mode)) {
        auto fd = layer::open_beneath(directory, name, O_RDONLY);
        out << " \"" << *read_all(fd->get(), 64 << 20) << '"';
      }
      if (S_ISDIR(info.st_mode)) {
        auto fd = layer::open_directory(directory, name);
        if (layer::is_opaque(fd->get())) out << " opaque";
        out << '\n';
        list(out, fd->get(), path, seen);
        continue;
      }
      out << '\n';
    }
  }

  std::string path_;
  UniqueFd fd_;
};

/// Most of these tests need root: to give files away and to make devices.
inline bool may_chown() {
  if (::geteuid() == 0) return true;
  WARN("skipped: needs root to change owners");
  return false;
}

/// SELinux off, file system with user.* attributes: what a build machine has. /tmp may be a tmpfs
/// of an old kernel.
inline bool has_user_xattrs() {
  Tree probe;
  probe.dir("d");
  if (::lsetxattr(probe.at("d").c_str(), "user.probe", "x", 1, 0) == 0) return true;
  WARN("skipped: /tmp has no user.* attributes (tmpfs before Linux 6.6)");
  return false;
}

}  // namespace imagebuild::testing
