#include "builder/context/context.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "builder/context/child_process.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::context;
namespace fs = std::filesystem;

namespace {

class Directory {
 public:
  Directory() {
    std::string path = (fs::temp_directory_path() / "context-test-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~Directory() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }

 private:
  fs::path path_;
};

std::string read_through(const Context& context, const std::string& path) {
  auto fd = context.open(path, O_RDONLY);
  if (!fd) return "(" + std::string(to_string(fd.error().kind)) + ")";
  return *read_all(fd->get(), 1000);
}

}  // namespace

TEST_CASE("a directory is a context with Dockerfile and rules", "[context]") {
  Directory directory;
  directory.write("Dockerfile", "FROM a\n");
  directory.write(".dockerignore", "secret\n");
  auto context = open_directory({.path = directory.path().string(), .dockerfile = {}});
  REQUIRE(context.ok());
  CHECK(context->dockerfile().name == "Dockerfile");
  CHECK(context->dockerfile().text == "FROM a\n");
  CHECK(context->ignore().ignored("secret"));
  CHECK(context->source().revision.empty());
  CHECK_FALSE(context->source().commit_time.has_value());
  CHECK(fs::exists(directory.path()));
  { Context moved = std::move(*context); }
  CHECK(fs::exists(directory.path()));  // it is the user's, not ours
}

TEST_CASE("the Dockerfile's own ignore file wins", "[context]") {
  Directory directory;
  directory.write("docker/Dev", "FROM b\n");
  directory.write("docker/Dev.dockerignore", "own\n");
  directory.write(".dockerignore", "common\n");
  auto context = open_directory({directory.path().string(), "docker/Dev"});
  REQUIRE(context.ok());
  CHECK(context->dockerfile().text == "FROM b\n");
  CHECK(context->ignore().ignored("own"));
  CHECK_FALSE(context->ignore().ignored("common"));
}

TEST_CASE("a Dockerfile outside the context is read when it is named absolutely", "[context]") {
  Directory directory, other;
  directory.write(".dockerignore", "common\n");
  other.write("D", "FROM c\n");
  auto context = open_directory({directory.path().string(), (other.path() / "D").string()});
  REQUIRE(context.ok());
  CHECK(context->dockerfile().text == "FROM c\n");
  CHECK(context->ignore().ignored("common"));
}

TEST_CASE("what is missing is named with the place", "[context]") {
  Directory directory;
  const std::string path = directory.path().string();
  struct Row {
    DirectorySource source;
    ErrorKind kind;
    std::string part;
  };
  directory.write("file", "");
  directory.write("dir/x", "");
  for (const Row& row :
       {Row{{path, ""}, ErrorKind::NotFound, "looked for " + path + "/Dockerfile"},
        Row{{path, "d/X"}, ErrorKind::NotFound, "no d/X in " + path},
        Row{{path, path + "/none"}, ErrorKind::NotFound, "no Dockerfile at " + path + "/none"},
        Row{{path + "/none", ""}, ErrorKind::NotFound, "does not exist"},
        Row{{path + "/file", ""}, ErrorKind::InvalidInput, "is not a directory"},
        Row{{path, "../x"}, ErrorKind::InvalidInput, "component \"..\""},
        Row{{path, "dir"}, ErrorKind::InvalidInput, "dir is not a regular file"}}) {
    INFO(row.part);
    auto result = open_directory(row.source);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == row.kind);
    CHECK_THAT(result.error().message, Catch::Matchers::Contains(row.part));
  }
}

TEST_CASE("a broken ignore file is an error, not a context without rules", "[context]") {
  Directory directory;
  directory.write("Dockerfile", "FROM a\n");
  directory.write(".dockerignore", "ok\n[\n");
  auto result = open_directory({directory.path().string(), ""});
  REQUIRE_FALSE(result.ok());
  CHECK_THAT(result.error().message, Catch::Matchers::Contains(".dockerignore: line 2"));
}

TEST_CASE("symlinks and dots never lead out of the context", "[context]") {
  Directory directory, outside;
  outside.write("secret", "outside");
  directory.write("Dockerfile", "FROM a\n");
  directory.write("inside", "inside");
  fs::create_symlink(outside.path() / "secret", directory.path() / "absolute");
  fs::create_symlink("../../../../../../../../inside", directory.path() / "up");
  fs::create_symlink("/", directory.path() / "root");
  auto context = open_directory({directory.path().string(), ""});
  REQUIRE(context.ok());
  CHECK(read_through(*context, "absolute") == "(NotFound)");
  CHECK(read_through(*context, "up") == "inside");
  CHECK(read_through(*context, "root/inside") == "inside");
  CHECK(read_through(*context, "../inside") == "inside");
  CHECK(read_through(*context, "root/proc/self/exe") == "(NotFound)");
}

TEST_CASE("a Dockerfile that is a symlink out of the context is not there", "[context]") {
  Directory directory, outside;
  outside.write("secret", "FROM x");
  fs::create_symlink(outside.path() / "secret", directory.path() / "Dockerfile");
  auto result = open_directory({directory.path().string(), ""});
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().kind == ErrorKind::NotFound);
}

TEST_CASE("a named pipe as Dockerfile does not hang", "[context]") {
  Directory directory;
  REQUIRE(::mkfifo((directory.path() / "Dockerfile").c_str(), 0600) == 0);
  auto result = open_directory({directory.path().string(), ""});
  REQUIRE_FALSE(result.ok());
  CHECK_THAT(result.error().message, Catch::Matchers::Contains("not a regular file"));
}

TEST_CASE("inline files are written, described and removed", "[context]") {
  Directory parent;
  std::string path;
  {
    auto context = write_inline(
        {.files = {{"Dockerfile", "FROM a\n"}, {"d/e/f", "x"}, {".dockerignore", "d\n"}},
         .sub_path = {},
         .dockerfile = {},
         .temporary_directory = parent.path().string()});
    REQUIRE(context.ok());
    path = context->path();
    CHECK(context->dockerfile().text == "FROM a\n");
    CHECK(context->ignore().ignored("d/e/f"));
    CHECK(read_through(*context, "d/e/f") == "x");
    CHECK(context->source().tree.rfind("sha256:", 0) == 0);
    CHECK(context->source().tree.size() == 71);
    struct stat status {};
    REQUIRE(::stat((path + "/d").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0755);
  }
  CHECK_FALSE(fs::exists(path));
  CHECK(fs::is_empty(parent.path()));
}

TEST_CASE("inline files: the id follows content and names", "[context]") {
  auto id = [](const std::map<std::string, std::string>& files) {
    return write_inline(
               {.files = files, .sub_path = {}, .dockerfile = {}, .temporary_directory = {}})
        ->source()
        .tree;
  };
  CHECK(id({{"Dockerfile", "a"}}) == id({{"Dockerfile", "a"}}));
  CHECK(id({{"Dockerfile", "a"}}) != id({{"Dockerfile", "b"}}));
  CHECK(id({{"Dockerfile", "a"}, {"b", "c"}}) != id({{"Dockerfile", "a"}, {"bc", ""}}));
}

TEST_CASE("inline files with a sub-directory", "[context]") {
  const std::map<std::string, std::string> files{{"svc/Dockerfile", "FROM a\n"}, {"other", "x"}};
  auto context = write_inline(
      {.files = files, .sub_path = "svc", .dockerfile = {}, .temporary_directory = {}});
  REQUIRE(context.ok());
  CHECK(context->dockerfile().text == "FROM a\n");
  CHECK(read_through(*context, "../other") == "(NotFound)");
  CHECK(write_inline(
            {.files = files, .sub_path = "none", .dockerfile = {}, .temporary_directory = {}})
            .error()
            .kind == ErrorKind::NotFound);
}

TEST_CASE("names of inline files cannot leave the context", "[context]") {
  Directory parent;
  for (const std::string& name :
       {std::string("../x"), std::string("/x"), std::string("a/../../x"), std::string(""),
        std::string("a//b"), std::string("./a"), std::string("a/"), std::string("a\0b", 3),
        std::string(300, 'a')}) {
    INFO(name);
    auto result = write_inline({.files = {{"Dockerfile", "FROM a"}, {name, "x"}},
                                .sub_path = {},
                                .dockerfile = {},
                                .temporary_directory = parent.path().string()});
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == ErrorKind::InvalidInput);
  }
  CHECK(fs::is_empty(parent.path()));
  CHECK_FALSE(write_inline({.files = {{"a", ""}, {"a/b", ""}},
                            .sub_path = {},
                            .dockerfile = {},
                            .temporary_directory = {}})
                  .ok());
  CHECK_FALSE(
      write_inline({.files = {}, .sub_path = {}, .dockerfile = {}, .temporary_directory = {}})
          .ok());
  CHECK_FALSE(write_inline({.files = {{"Dockerfile", "x"}},
                            .sub_path = {},
                            .dockerfile = "/etc/passwd",
                            .temporary_directory = {}})
                  .ok());
}

TEST_CASE("a failed inline context leaves nothing behind", "[context]") {
  Directory parent;
  auto result = write_inline({.files = {{"a", "x"}},
                              .sub_path = {},
                              .dockerfile = {},
                              .temporary_directory = parent.path().string()});
  REQUIRE_FALSE(result.ok());
  CHECK_THAT(result.error().message,
             Catch::Matchers::Contains("no Dockerfile in the inline files"));
  CHECK(fs::is_empty(parent.path()));
}

TEST_CASE("a program runs to its end, is killed when stopped, and is named when missing",
          "[context]") {
  auto ended = run_command({.argv = {"sh", "-c", "echo out; echo err >&2; exit 3"},
                            .environment = {"PATH=/usr/bin:/bin"},
                            .directory = {}},
                           {});
  REQUIRE(ended.ok());
  CHECK(ended->exit_code == 3);
  CHECK(ended->output == "out\n");
  CHECK(ended->errors == "err\n");
  CHECK(run_command({.argv = {"no-such-program-here"}, .environment = {}, .directory = {}}, {})
            .error()
            .kind == ErrorKind::NotFound);
  std::stop_source stopped;
  stopped.request_stop();
  CHECK(run_command({.argv = {"sleep", "1000"}, .environment = {}, .directory = {}},
                    stopped.get_token())
            .error()
            .kind == ErrorKind::Canceled);
  CHECK(run_command({.argv = {"sleep", "1000"},
                     .environment = {},
                     .directory = {},
                     .timeout = std::chrono::seconds(1)},
                    {})
            .error()
            .kind == ErrorKind::Transient);
  auto large = run_command({.argv = {"sh", "-c", "head -c 3000000 /dev/zero"},
                            .environment = {"PATH=/usr/bin:/bin"},
                            .directory = {}},
                           {});
  CHECK(large->output.size() == 1u << 20);
}
