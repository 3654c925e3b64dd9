// What a build uploads of a directory.
#include <sys/stat.h>

#include <filesystem>

#include "common/base/unique_fd.h"
#include "plugin/local_context.h"
#include "tests/support/archives.h"

using namespace imagebuild;
using namespace imagebuild::plugin;
namespace fs = std::filesystem;

namespace {

class Directory {
 public:
  Directory() {
    std::string name = "/tmp/plugin-context-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Directory() { fs::remove_all(path_); }
  Directory(const Directory&) = delete;

  const std::string& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(path_ + "/" + name).parent_path());
    REQUIRE(write_file_atomically(path_ + "/" + name, text).ok());
  }

 private:
  std::string path_;
};

std::string names(const LocalContext& context) {
  std::string result;
  for (const LocalFile& file : context.files) result += file.path + " ";
  return result;
}

}  // namespace

TEST_CASE(".dockerignore keeps files out, and never the Dockerfile") {
  Directory directory;
  directory.write("Dockerfile", "FROM scratch\n");
  directory.write(".dockerignore", "*\n!src\nsrc/*.o\n");
  directory.write("src/a.c", "int a;");
  directory.write("src/a.o", "x");
  directory.write("secret.txt", "x");
  directory.write("node_modules/x/y.js", "x");
  auto context = scan_context(directory.path(), "");
  REQUIRE(context.ok());
  CHECK(names(*context) == ".dockerignore Dockerfile src src/a.c ");
}

TEST_CASE("a Dockerfile's own ignore file wins over the common one") {
  Directory directory;
  directory.write("docker/web.Dockerfile", "FROM scratch\n");
  directory.write("docker/web.Dockerfile.dockerignore", "b\n");
  directory.write(".dockerignore", "a\n");
  directory.write("a", "");
  directory.write("b", "");
  auto context = scan_context(directory.path(), "docker/web.Dockerfile");
  REQUIRE(context.ok());
  CHECK(context->dockerfile == "docker/web.Dockerfile");
  CHECK(names(*context).find(" b ") == std::string::npos);
  CHECK(names(*context).find("a ") != std::string::npos);
}

TEST_CASE("small text goes into the object, anything else is uploaded") {
  Directory directory;
  directory.write("Dockerfile", "FROM scratch\n");
  directory.write("app/main.py", "print('ü')\n");
  const auto inlined = [&] {
    auto context = scan_context(directory.path(), "");
    REQUIRE(context.ok());
    auto files = inline_files(*context);
    REQUIRE(files.ok());
    return *files;
  };
  REQUIRE(inlined());
  CHECK(inlined()->at("app/main.py") == "print('ü')\n");
  SECTION("an executable file") {
    fs::permissions(directory.path() + "/app/main.py", fs::perms(0755));
  }
  SECTION("a symbolic link") { fs::create_symlink("main.py", directory.path() + "/app/link"); }
  SECTION("bytes that are no text") { directory.write("x", "\xff\xfe"); }
  SECTION("a NUL") { directory.write("x", std::string("a\0b", 3)); }
  SECTION("more than 60 KiB") { directory.write("x", std::string(61 << 10, 'x')); }
  SECTION("an empty directory") { fs::create_directory(directory.path() + "/empty"); }
  CHECK_FALSE(inlined());
}

TEST_CASE("equal files make equal archives, with modes and links, without owners and times") {
  Directory directory;
  directory.write("Dockerfile", "FROM scratch\n");
  directory.write("run.sh", "#!/bin/sh\n");
  fs::permissions(directory.path() + "/run.sh", fs::perms(0700));
  fs::create_symlink("/etc/passwd", directory.path() + "/link");
  REQUIRE(::mkfifo((directory.path() + "/pipe").c_str(), 0600) == 0);
  const auto pack = [&] {
    auto context = scan_context(directory.path(), "");
    REQUIRE(context.ok());
    CHECK(context->skipped == 1);
    std::string bytes;
    REQUIRE(write_context_tar(*context, [&](std::string_view part) -> Result<void> {
              bytes += part;
              return {};
            }).ok());
    return bytes;
  };
  const std::string first = pack();
  fs::last_write_time(directory.path() + "/run.sh", fs::file_time_type::clock::now());
  CHECK(pack() == first);
  auto entries = imagebuild::testing::read_tar(first);
  REQUIRE(entries.ok());
  REQUIRE(entries->size() == 3);
  CHECK((*entries)[1].first.path == "link");
  CHECK((*entries)[1].first.link_target == "/etc/passwd");
  CHECK((*entries)[2].first.mode == 0755);
  CHECK((*entries)[2].second == "#!/bin/sh\n");
}

TEST_CASE("what cannot be built is said before anything is sent") {
  Directory directory, outside;
  outside.write("Dockerfile", "FROM scratch\n");
  auto missing = scan_context(directory.path(), "");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message.find("another Dockerfile is named with -f") != std::string::npos);
  auto elsewhere = scan_context(directory.path(), outside.path() + "/Dockerfile");
  REQUIRE_FALSE(elsewhere.ok());
  CHECK(elsewhere.error().kind == ErrorKind::InvalidInput);
  CHECK(scan_context(directory.path() + "/none", "").error().kind == ErrorKind::NotFound);
  directory.write("Dockerfile", "FROM scratch\n");
  directory.write(".dockerignore", "[\n");
  CHECK(scan_context(directory.path(), "").error().kind == ErrorKind::InvalidInput);
}
