// What RUN --mount shows, what becomes of writes to it, and that no layer holds any of it.
#include <sys/mman.h>

#include "builder/sandbox/agent_forwarder.h"
#include "tests/integration/sandbox_fixture.h"

using namespace imagebuild;
using namespace imagebuild::testing;

namespace {

UniqueFd memory(const std::string& bytes) {
  UniqueFd file(::memfd_create("secret", MFD_CLOEXEC));
  REQUIRE(write_all(file.get(), bytes));
  return file;
}

RunMount tmpfs(std::string target) {
  return {.kind = RunMount::Kind::Tmpfs, .target = std::move(target)};
}
RunMount tree(Fixture& f, std::string target, LowerList lowers, std::string source = "/") {
  return {.kind = RunMount::Kind::Tree,
          .target = std::move(target),
          .read_only = true,
          .lowers = std::move(lowers),
          .source = std::move(source),
          .scratch = f.worker.new_layer()};
}
RunMount cache(std::string target, std::string key) {
  return {.kind = RunMount::Kind::Cache, .target = std::move(target), .cache_key = std::move(key)};
}
RunMount secret(std::string target) {
  return {
      .kind = RunMount::Kind::Secret, .target = std::move(target), .read_only = true, .mode = 0400};
}

struct Mounted {
  std::string output;
  std::vector<std::string> layer;
};

Mounted run(
    Fixture& f, const LowerList& lowers, const std::string& script, std::vector<RunMount> mounts,
    std::vector<UniqueFd> attachments = {},
    const std::function<void(RunSpec&)>& change = [](RunSpec&) {}) {
  RunSpec spec = f.shell(lowers, script);
  spec.mounts = std::move(mounts);
  change(spec);
  const auto ran = f.run(spec, std::move(attachments));
  INFO(script << ": " << ran.output
              << (ran.result ? ran.result->message : ran.result.error().message));
  REQUIRE(ran.result);
  CHECK(ran.result->success());
  return {ran.output, names_of(f.diff(lowers, ran.upper))};
}

std::string refused(Fixture& f, const LowerList& lowers, RunMount mount) {
  RunSpec spec = f.shell(lowers, "true");
  spec.mounts.push_back(std::move(mount));
  const auto ran = f.run(spec);
  REQUIRE_FALSE(ran.result);
  return ran.result.error().message;
}

}  // namespace

TEST_CASE("mounts of every kind leave no trace in the layer, wherever their target is") {
  Fixture f;
  const auto lowers = f.base({directory("there"), file("there/kept", "k")});
  const LowerList other{f.unpack({directory("d"), file("d/f", "x\n")})};
  for (const std::string target : {"/there", "/new", "/deep/er/new", "/tmp/new", "/dev/new",
                                   "/there/new", "/run/secrets/new", "/etc"}) {
    CAPTURE(target);
    CHECK(run(f, lowers, "echo x > " + target + "/written", {tmpfs(target)}).layer.empty());
    CHECK(run(f, lowers, "busybox cat " + target + "/d/f", {tree(f, target, other)}).output ==
          "x\n");
    CHECK(run(f, lowers, "echo x > " + target + "/written", {cache(target, "k")}).layer.empty());
    if (target == "/there" || target == "/etc") continue;  // directories in the tree
    std::vector<UniqueFd> attached;
    attached.push_back(memory("s3cret"));
    const auto ran = run(f, lowers, "busybox cat " + target, {secret(target)}, std::move(attached));
    CHECK(ran.output == "s3cret");
    CHECK(ran.layer.empty());
  }
}

TEST_CASE("a tmpfs is empty, writable for all and as large as asked") {
  Fixture f;
  const auto lowers = f.base();
  RunMount small = tmpfs("/t");
  small.size = 64 << 10;
  CHECK(
      run(f, lowers,
          "busybox ls -A /t; busybox stat -c %a /t; "
          "busybox dd if=/dev/zero of=/t/f bs=1k count=100 2>/dev/null || busybox stat -c %s /t/f",
          {small})
          .output == "1777\n65536\n");
}

TEST_CASE("a tree is read-only unless asked for, and what is written there is gone") {
  Fixture f;
  const auto lowers = f.base();
  const LowerList other{f.unpack({directory("d"), file("d/f", "x\n"), link_to("link", "/d")})};
  CHECK(run(f, lowers, "(echo y > /m/d/f) 2>/dev/null || echo refused", {tree(f, "/m", other)})
            .output == "refused\n");
  RunMount writable = tree(f, "/m", other);
  writable.read_only = false;
  const auto ran =
      run(f, lowers, "echo y > /m/d/f; echo n > /m/new; busybox cat /m/d/f /m/new", {writable});
  CHECK(ran.output == "y\nn\n");
  CHECK(ran.layer.empty());
  CHECK(run(f, lowers, "busybox cat /m/d/f; busybox ls /m", {tree(f, "/m", other)}).output ==
        "x\nd\nlink\n");
  CHECK(run(f, lowers, "busybox cat /m", {tree(f, "/m", other, "/d/f")}).output == "x\n");
  CHECK(run(f, lowers, "busybox ls /m", {tree(f, "/m", other, "/link")}).output == "f\n");
  CHECK(run(f, lowers, "busybox ls -A /m", {tree(f, "/m", {})}).output.empty());
}

TEST_CASE("mounts lie inside each other in the order of their targets, read-only ones too") {
  Fixture f;
  const auto lowers = f.base();
  const LowerList other{f.unpack({directory("d"), file("d/f", "x\n")})};
  const auto ran = run(f, lowers,
                       "echo t > /m/t/f; echo c > /m/d/c/f; busybox cat /m/d/f /m/t/f /m/d/c/f; "
                       "(echo y > /m/d/f) 2>/dev/null || echo refused",
                       {cache("/m/d/c", "nested"), tmpfs("/m/t"), tree(f, "/m", other)});
  CHECK(ran.output == "x\nt\nc\nrefused\n");
  CHECK(ran.layer.empty());
}

TEST_CASE("a symlink in the image cannot lead a mount out of it") {
  Fixture f;
  const auto lowers = f.base({link_to("out", "../../../../../../out-of-the-image")});
  const auto ran =
      run(f, lowers, "echo x > /out/f; busybox ls -A /out-of-the-image", {tmpfs("/out")});
  CHECK(ran.output == "f\n");
  CHECK(ran.layer.empty());
  CHECK_FALSE(fs::exists("/out-of-the-image"));
}

TEST_CASE("a cache is kept from step to step and has the owner and mode it was made with") {
  Fixture f;
  const auto lowers = f.base();
  RunMount mount = cache("/c", "key");
  mount.mode = 0751;
  mount.uid = 33;
  mount.gid = 34;
  CHECK(run(f, lowers, "busybox stat -c '%u %g %a' /c; echo one > /c/f", {mount}).output ==
        "33 34 751\n");
  CHECK(run(f, lowers, "busybox cat /other/f", {cache("/other", "key")}).output == "one\n");
  CHECK(run(f, lowers, "busybox ls -A /c", {cache("/c", "another")}).output.empty());
  mount.read_only = true;
  CHECK(run(f, lowers, "(echo two > /c/f) 2>/dev/null || busybox cat /c/f", {mount}).output ==
        "one\n");
}

TEST_CASE("a cache begins as a copy of what a tree has, owners and modes kept") {
  Fixture f;
  const auto lowers = f.base();
  const LowerList other{f.unpack({directory("d"), directory("d/sub", 0700),
                                  file("d/sub/f", "x\n", 04755, 7), link_to("d/l", "sub/f")})};
  RunMount mount = cache("/c", "copied");
  mount.lowers = other;
  mount.source = "/d";
  CHECK(run(f, lowers,
            "busybox cat /c/l; busybox stat -c '%u %a %Y' /c/sub/f; busybox stat -c %a /c/sub; "
            "echo more >> /c/sub/f",
            {mount})
            .output == "x\n7 4755 1000\n700\n");
  CHECK(run(f, lowers, "busybox cat /c/sub/f", {mount}).output == "x\nmore\n");
  CHECK(run(f, lowers, "busybox cat /m/d/sub/f", {tree(f, "/m", other)}).output == "x\n");
}

TEST_CASE("steps that want one cache at once share it, wait, or get one of their own") {
  Fixture f;
  const auto lowers = f.base();
  // The first step stays until the second has been there, or shows that it was not let in.
  const std::string first =
      "echo 1 > /c/first; n=0; while [ ! -e /c/second ] && [ $n -lt 15 ]; do busybox sleep 0.1; "
      "n=$((n+1)); done; busybox ls /c";
  struct Row {
    RunMount::Sharing sharing;
    const char *first, *second;
  };
  for (const Row& row : {Row{RunMount::Sharing::Shared, "first\nsecond\n", "first\nsecond\n"},
                         Row{RunMount::Sharing::Locked, "first\n", "first\nsecond\n"},
                         Row{RunMount::Sharing::Private, "first\n", "second\n"}}) {
    CAPTURE(static_cast<int>(row.sharing));
    RunMount mount = cache("/c", "shared" + std::to_string(static_cast<int>(row.sharing)));
    mount.sharing = row.sharing;
    RunSpec spec = f.shell(lowers, first);
    spec.mounts = {mount, mount};  // the same twice: no step waits for itself
    spec.mounts[1].target = "/again";
    std::string one;
    auto pipe = make_pipe();
    std::jthread running([&] {
      spec.upper = f.worker.new_layer();
      std::jthread drain([&, end = std::move(pipe->read)] {
        if (auto text = read_all(end.get(), 1 << 20)) one = *text;
      });
      static_cast<void>(f.worker.run(spec, std::move(pipe->write)).ok());
    });
    RunMount look = mount;
    look.sharing = RunMount::Sharing::Shared;
    look.target = "/look";
    if (row.sharing != RunMount::Sharing::Locked) {
      // Until the first is there; a locked one would make this wait, too.
      run(f, lowers, "while [ ! -e /look/first ]; do busybox sleep 0.05; done",
          row.sharing == RunMount::Sharing::Shared ? std::vector{look} : std::vector<RunMount>{},
          {}, [&](RunSpec& s) {
            if (row.sharing == RunMount::Sharing::Private)
              s.argv = {"/bin/sh", "-c", "busybox sleep 0.7"};
          });
    } else {
      run(f, lowers, "busybox sleep 0.7", {});
    }
    const auto two = run(f, lowers, "echo 2 > /c/second; busybox ls /c", {mount});
    running.join();
    CHECK(one == row.first);
    CHECK(two.output == row.second);
  }
}

TEST_CASE("a directory for caches keeps them for the next build, and stop leaves it alone") {
  StoreDir kept;
  const auto build = [&](const std::string& script) {
    Fixture f(kept.path);
    const auto lowers = f.base();
    const auto output = run(f, lowers, script, {cache("/c", "key")}).output;
    CHECK(f.worker.stop());
    for (const auto& worker : fs::directory_iterator(f.store.path))
      CHECK(fs::is_empty(worker.path() / "inner"));
    return output;
  };
  CHECK(build("busybox ls -A /c; echo one > /c/f; busybox chown 5:6 /c/f").empty());
  CHECK(build("busybox cat /c/f; busybox stat -c %u:%g /c/f") == "one\n5:6\n");
}

TEST_CASE("a secret is a file of its owner and mode, or a variable, in that step only") {
  Fixture f;
  const auto lowers = f.base();
  RunMount mount = secret("/run/secrets/s");
  mount.uid = 33;
  mount.mode = 0440;
  mount.variable = "TOKEN";
  std::vector<UniqueFd> attached;
  attached.push_back(memory("line one\nline two"));
  const auto ran =
      run(f, lowers,
          "busybox stat -c '%u %a' /run/secrets/s; busybox cat /run/secrets/s; echo; "
          "echo \"$TOKEN\"; (echo x > /run/secrets/s) 2>/dev/null || echo refused",
          {mount}, std::move(attached), [](RunSpec& s) { s.env.push_back("TOKEN=of the image"); });
  CHECK(ran.output == "33 440\nline one\nline two\nline one\nline two\nrefused\n");
  CHECK(ran.layer.empty());
  CHECK(run(f, lowers, "busybox ls /run 2>/dev/null; echo \"[$TOKEN]\"", {}).output == "[]\n");
}

TEST_CASE("the secret is not in the store, the mounts or the processes of another step") {
  Fixture f;
  const auto lowers = f.base();
  std::vector<UniqueFd> attached;
  attached.push_back(memory("never-on-a-disk"));
  CHECK(run(f, lowers, "busybox cat /s > /dev/null", {secret("/s")}, std::move(attached))
            .layer.empty());
  const std::string search =
      "grep -rqs never-on-a-dis[k] " + f.store.path + " && echo found || echo clean";
  CHECK(::system(("[ \"$(" + search + ")\" = clean ]").c_str()) == 0);
}

TEST_CASE("what cannot be mounted is an error that names the target and why") {
  Fixture f;
  const auto lowers = f.base({file("f", "x")});
  const LowerList other{f.unpack({directory("d"), file("d/f", "x\n")})};
  CHECK(refused(f, lowers, tree(f, "/m", other, "/no/such")) ==
        "RUN: mount /m: source /no/such does not exist");
  CHECK(refused(f, lowers, tmpfs("/f")) ==
        "RUN: the image's /f is not a directory: RUN cannot mount over it");
  RunMount from = cache("/c", "bad-source");
  from.lowers = other;
  from.source = "/d/f";
  CHECK(refused(f, lowers, from) == "RUN: mount /c: source /d/f is not a directory");
  RunMount owner = cache("/c", "bad-owner");
  owner.uid = 4000000000u;
  CHECK(refused(f, lowers, owner).find("mount /c: owner 4000000000:0") != std::string::npos);
}

TEST_CASE("a script is a file of /dev, executed, and in no layer") {
  Fixture f;
  const auto lowers = f.base();
  const auto ran = run(f, lowers, "/dev/pipes/EOF", {}, {}, [](RunSpec& s) {
    s.script = ScriptFile{"EOF", "#!/bin/busybox sh\necho \"$0\"\nbusybox id -u\n"};
    s.uid = 5;
  });
  CHECK(ran.output == "/dev/pipes/EOF\n5\n");
  CHECK(ran.layer.empty());
  RunSpec spec = f.shell(lowers, "true");
  spec.script = ScriptFile{"../x", "#!/bin/sh\n"};
  CHECK_FALSE(f.run(spec).result);
}

TEST_CASE("an ssh agent's socket has the owner and mode that were asked for") {
  Fixture f;
  const auto lowers = f.base();
  auto started = AgentForwarder::start("/nowhere/agent");
  REQUIRE(started);
  std::vector<UniqueFd> attached;
  attached.push_back(std::move(started->attachment));
  const RunMount mount{.kind = RunMount::Kind::Agent,
                       .target = "/run/agent.0",
                       .read_only = true,
                       .mode = 0600,
                       .uid = 7};
  const auto ran =
      run(f, lowers, "busybox stat -c '%F %u %a' /run/agent.0", {mount}, std::move(attached));
  CHECK(ran.output == "socket 7 600\n");
  CHECK(ran.layer.empty());
}
