// A context that lies in a registry: what is unpacked, and what is refused.
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "builder/context/context.h"
#include "common/api/spec.h"
#include "common/registry/client.h"
#include "tests/support/archives.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_registry/fake_registry.h"

using namespace imagebuild;
using namespace imagebuild::context;
using imagebuild::testing::Entries;
using imagebuild::testing::FakeRegistry;
using imagebuild::testing::write_tar;
namespace fs = std::filesystem;

namespace {

/// The https probe of an insecure host would talk TLS to a plain server: answered here, at once.
class PlainOnly final : public http::Transport {
 public:
  Result<http::Response> send(const http::Request& request, std::stop_token stop) override {
    if (request.url.starts_with("https://")) return fail(ErrorKind::Transient, "no TLS here");
    return transport_->send(request, stop);
  }

 private:
  std::unique_ptr<http::Transport> transport_ =
      http::make_transport({.proxy_from_environment = false});
};

struct Fixture {
  Fixture() {
    std::string path = (fs::temp_directory_path() / "oci-context-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    temporary = path;
  }
  ~Fixture() { fs::remove_all(temporary); }

  /// Pushes the tar as a context; the reference names it by digest.
  std::string push(const std::string& tar,
                   const std::string& type = std::string(api::kContextArtifactType)) {
    oci::Manifest manifest;
    manifest.artifact_type = type;
    manifest.config = {.media_type = std::string(oci::media_type::kEmpty),
                       .digest = fake.put_blob("web", "{}"),
                       .size = 2};
    manifest.layers = {{.media_type = std::string(oci::media_type::kLayer),
                        .digest = fake.put_blob("web", tar),
                        .size = tar.size()}};
    const auto digest =
        fake.put_manifest("web", "", manifest.serialise(), std::string(oci::media_type::kManifest));
    return fake.host() + "/web@" + digest.to_string();
  }
  Result<Context> pull(const std::string& ref, const std::string& sub_path = "") {
    registry::ClientOptions options;
    options.insecure = {"127.0.0.1"};
    auto client = registry::Client::make(
        [this](std::string_view, registry::Verification) -> http::Transport& { return plain; },
        clock, options);
    REQUIRE(client.ok());
    return pull_oci(*client, {.ref = ref,
                              .sub_path = sub_path,
                              .dockerfile = {},
                              .temporary_directory = temporary.string(),
                              .decompress = [](ByteSource bytes) { return bytes; }});
  }
  std::string refusal(const Entries& entries) {
    auto context = pull(push(write_tar(entries)));
    CHECK(fs::is_empty(temporary));
    if (context.ok()) return "";
    CHECK(context.error().kind == ErrorKind::InvalidInput);
    return context.error().message;
  }

  FakeRegistry fake;
  FakeClock clock;
  PlainOnly plain;
  fs::path temporary;
};

TarEntry link(const std::string& path, const std::string& target) {
  return {.path = path, .type = EntryType::Symlink, .link_target = target};
}

const std::pair<TarEntry, std::string> kDockerfile{{.path = "Dockerfile"}, "FROM scratch\n"};

}  // namespace

TEST_CASE_METHOD(Fixture, "an uploaded context has its files, modes and links", "[context]") {
  const std::string ref = push(write_tar({kDockerfile,
                                          {{.path = "bin", .type = EntryType::Directory}, ""},
                                          {{.path = "bin/run.sh", .mode = 0700}, "#!/bin/sh\n"},
                                          {{.path = "deep/er/a", .mode = 0600}, "a"},
                                          {link("bin/link", "/etc/passwd"), ""}}));
  fs::path root;
  {
    auto context = pull(ref);
    INFO((context.ok() ? "" : context.error().message));
    REQUIRE(context.ok());
    root = context->path();
    CHECK(context->dockerfile().text == "FROM scratch\n");
    CHECK(context->source().tree.starts_with("sha256:"));
    CHECK(fs::status(root / "bin/run.sh").permissions() == fs::perms(0755));
    CHECK(fs::status(root / "deep/er/a").permissions() == fs::perms(0644));
    CHECK(fs::status(root / "deep").permissions() == fs::perms(0755));
    CHECK(fs::read_symlink(root / "bin/link") == "/etc/passwd");
    CHECK_FALSE(context->open("bin/link", O_RDONLY).ok());  // it ends inside the context
  }
  CHECK_FALSE(fs::exists(root));
  CHECK(fs::is_empty(temporary));
}

TEST_CASE_METHOD(Fixture, "a sub-directory of an uploaded context can be the context",
                 "[context]") {
  const std::string ref = push(write_tar({{{.path = "web/Dockerfile"}, "FROM web\n"}}));
  auto context = pull(ref, "web");
  REQUIRE(context.ok());
  CHECK(context->dockerfile().text == "FROM web\n");
  CHECK(pull(ref, "none").error().kind == ErrorKind::NotFound);
  CHECK_FALSE(pull(ref, "../web").ok());
}

TEST_CASE_METHOD(Fixture, "an entry that would lie outside is refused", "[context]") {
  for (const char* path : {"../a", "a/../../b", "/etc/a", "a/./b", "a//b"}) {
    INFO(path);
    CHECK_FALSE(refusal({kDockerfile, {{.path = path}, "x"}}).empty());
  }
}

TEST_CASE_METHOD(Fixture, "no entry is written through a link of the archive", "[context]") {
  const fs::path victim = temporary.string() + "-victim";
  fs::create_directory(victim);
  CHECK_FALSE(
      refusal({kDockerfile, {link("d", victim.string()), ""}, {{.path = "d/a"}, "x"}}).empty());
  CHECK_FALSE(refusal({kDockerfile,
                       {link("d", victim.string()), ""},
                       {{.path = "d", .type = EntryType::Directory}, ""}})
                  .empty());
  CHECK_FALSE(refusal({kDockerfile, {link("f", (victim / "a").string()), ""}, {{.path = "f"}, "x"}})
                  .empty());
  CHECK(fs::is_empty(victim));
  fs::remove_all(victim);
}

TEST_CASE_METHOD(Fixture, "hard links, devices and repetitions are refused", "[context]") {
  CHECK_FALSE(
      refusal({kDockerfile,
               {{.path = "h", .type = EntryType::HardLink, .link_target = "Dockerfile"}, ""}})
          .empty());
  CHECK_FALSE(refusal({kDockerfile, {{.path = "p", .type = EntryType::Fifo}, ""}}).empty());
  CHECK_FALSE(refusal({kDockerfile, {{.path = "c", .type = EntryType::CharDevice}, ""}}).empty());
  CHECK(refusal({kDockerfile, kDockerfile}).find("twice") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "what is no context of ours is refused by its type", "[context]") {
  auto image = pull(push(write_tar({kDockerfile}), "application/vnd.example"));
  REQUIRE_FALSE(image.ok());
  CHECK(image.error().message.find("not a context") != std::string::npos);
  auto cut =
      pull(push(write_tar({kDockerfile, {{.path = "a"}, std::string(5000, 'x')}}).substr(0, 2000)));
  CHECK(cut.error().kind == ErrorKind::InvalidInput);
  auto none = pull(fake.host() + "/web@sha256:" + std::string(64, '0'));
  CHECK(none.error().kind == ErrorKind::NotFound);
  CHECK(fs::is_empty(temporary));
}
