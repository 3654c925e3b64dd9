// Our archives in the hands of others, and theirs in ours: GNU tar is on every machine that builds
// this.
#include <cstdlib>
#include <fstream>

#include "common/base/unique_fd.h"
#include "tests/support/archives.h"

using namespace imagebuild;
using namespace imagebuild::testing;

namespace {

struct TempDir {
  TempDir() {
    char name[] = "/tmp/imagebuild-tar-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~TempDir() { CHECK(std::system(("rm -rf " + path).c_str()) == 0); }
  std::string path;
};

}  // namespace

TEST_CASE("GNU tar extracts what we write") {
  TempDir dir;
  std::string name = "f\xc5\x91-\xff-" + std::string(150, 'n');
  auto bytes = write_tar(
      {{{.path = "d", .type = EntryType::Directory, .mode = 0755}, ""},
       {{.path = "d/" + name, .mtime = {7, 500'000'000}}, "content"},
       {{.path = "d/link", .type = EntryType::HardLink, .link_target = "d/" + name}, ""}});
  REQUIRE(write_file_atomically(dir.path + "/a.tar", bytes).ok());
  REQUIRE(std::system(("cd " + dir.path + " && tar xf a.tar 2>/dev/null").c_str()) == 0);
  CHECK(*read_file(dir.path + "/d/" + name) == "content");
  CHECK(*read_file(dir.path + "/d/link") == "content");
}

TEST_CASE("we read what GNU tar writes, in each of its formats") {
  TempDir dir;
  const std::string format = GENERATE("gnu", "pax", "oldgnu", "ustar");
  const std::string name(format == "ustar" ? 90 : 180, 'n');
  REQUIRE(std::system(
              ("cd " + dir.path + " && mkdir t && printf hello > t/" + name + " && ln t/" + name +
               " t/zz && truncate -s 3M t/sparse && printf end >> t/sparse && tar cf a.tar" +
               (format == "ustar" ? "" : " --sparse") + " --sort=name --format=" + format + " t")
                  .c_str()) == 0);
  auto bytes = read_file(dir.path + "/a.tar");
  REQUIRE(bytes.ok());
  auto read = read_tar(*bytes);
  REQUIRE(read.ok());
  REQUIRE(read->size() == 4);
  INFO(format);
  CHECK((*read)[0].first.path == "t");
  CHECK((*read)[0].first.type == EntryType::Directory);
  CHECK((*read)[1].first.path == "t/" + name);
  CHECK((*read)[1].second == "hello");
  CHECK((*read)[2].first.path == "t/sparse");
  CHECK((*read)[2].second == std::string(3 << 20, '\0') + "end");
  CHECK((*read)[3].first.type == EntryType::HardLink);
  CHECK((*read)[3].first.link_target == "t/" + name);
}
