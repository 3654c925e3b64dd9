#include "builder/executor/run_options.h"

#include "builder/dockerfile/dockerfile.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::executor;

namespace {

dockerfile::Run run_of(const std::string& flags) {
  auto file = dockerfile::parse("FROM a\nRUN " + flags + " true\n", "Dockerfile");
  INFO((file ? "" : file.error().message));
  REQUIRE(file);
  return *file->stages[0].instructions[0].get_if<dockerfile::Run>();
}

Result<RunMount> plan(const std::string& mount) {
  return plan_mount(run_of("--mount=" + mount).mounts.at(0), "/srv");
}

}  // namespace

TEST_CASE("a mount has the reference's defaults, and an absolute target") {
  using Kind = RunMount::Kind;
  struct Row {
    const char* mount;
    Kind kind;
    const char *target, *source;
    bool read_only;
    std::uint32_t mode;
  };
  for (const Row& row : {
           Row{"type=tmpfs,target=/t", Kind::Tmpfs, "/t", "/", false, 0755},
           Row{"target=/t", Kind::Tree, "/t", "/", true, 0755},
           Row{"type=bind,source=a/../b,target=t,rw", Kind::Tree, "/srv/t", "/b", false, 0755},
           Row{"type=bind,source=../../etc,target=../t", Kind::Tree, "/t", "/etc", true, 0755},
           Row{"type=cache,target=t/", Kind::Cache, "/srv/t", "/", false, 0755},
           Row{"type=cache,target=/t,ro,mode=0700", Kind::Cache, "/t", "/", true, 0700},
           Row{"type=secret,id=a", Kind::Secret, "/run/secrets/a", "/", true, 0400},
           Row{"type=secret,id=dir/a", Kind::Secret, "/run/secrets/a", "/", true, 0400},
           Row{"type=secret,id=a,target=/s,mode=0440", Kind::Secret, "/s", "/", true, 0440},
           Row{"type=secret,target=s/name", Kind::Secret, "/srv/s/name", "/", true, 0400},
           Row{"type=secret,id=a,env=A", Kind::Secret, "", "/", true, 0400},
           Row{"type=secret,id=a,env=A,target=/s", Kind::Secret, "/s", "/", true, 0400},
           Row{"type=ssh", Kind::Agent, "", "/", true, 0600},
           Row{"type=ssh,target=/a,mode=0666", Kind::Agent, "/a", "/", true, 0666},
       }) {
    INFO(row.mount);
    const auto planned = plan(row.mount);
    REQUIRE(planned);
    CHECK(planned->kind == row.kind);
    CHECK(planned->target == row.target);
    if (row.kind != Kind::Secret) CHECK(planned->source == row.source);
    CHECK(planned->read_only == row.read_only);
    CHECK(planned->mode == row.mode);
  }
}

TEST_CASE("what the sandbox cannot mean is an error") {
  for (const char* wrong :
       {"type=tmpfs,target=/", "type=bind,target=../..", "type=cache,target=/c,source=/s",
        "type=ssh,source=/s", "type=secret,id=a,env=A=B"}) {
    INFO(wrong);
    CHECK_FALSE(plan(wrong));
  }
}

TEST_CASE("caches are the same by id, by default the target, and by what they start as") {
  const auto key = [](const char* mount) { return plan(mount)->cache_key; };
  CHECK(key("type=cache,target=/c") == key("type=cache,target=/c,ro,sharing=locked"));
  CHECK(key("type=cache,target=/c") == key("type=cache,target=/other,id=/c"));
  CHECK(key("type=cache,target=t") == key("type=cache,target=/srv/t"));
  CHECK(key("type=cache,target=/c") != key("type=cache,target=/d"));
  CHECK(key("type=cache,target=/c") != key("type=cache,target=/c,from=a"));
  CHECK(key("type=cache,target=/c,from=a") != key("type=cache,target=/c,from=a,source=/s"));
  CHECK(key("type=cache,target=/c").find('/') == std::string::npos);
}

TEST_CASE("a secret and an agent are known by id") {
  const auto id = [](const char* mount) {
    return attachment_id(run_of(std::string("--mount=") + mount).mounts.at(0));
  };
  CHECK(id("type=secret,id=a,target=/b") == "a");
  CHECK(id("type=secret,source=a") == "a");
  CHECK(id("type=secret,target=/d/a") == "a");
  CHECK(id("type=ssh") == "default");
  CHECK(id("type=ssh,id=a") == "a");
}

TEST_CASE("the network of a RUN is the build's unless it asks for none") {
  CHECK(*run_network(run_of(""), Network::Default) == Network::Default);
  CHECK(*run_network(run_of(""), Network::None) == Network::None);
  CHECK(*run_network(run_of("--network=default"), Network::None) == Network::None);
  CHECK(*run_network(run_of("--network=none"), Network::Default) == Network::None);
  CHECK(*run_network(run_of("--network=host"), Network::Default) == Network::Default);
  CHECK_FALSE(run_network(run_of("--network=host"), Network::None));
}

TEST_CASE("a source of the context is a path, not a pattern") {
  CHECK(literal_pattern("/a*b?[c]\\d") == "/a\\*b\\?\\[c]\\\\d");
}
