// The tree worker with real namespaces, as the user who runs the tests: root of a plain machine, or
// anybody with newuidmap and an entry in /etc/subuid. The image is a static busybox.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include "builder/sandbox/isolation.h"
#include "builder/sandbox/tree_worker.h"
#include "common/archive/tar.h"
#include "tests/support/catch.h"

using namespace imagebuild;
namespace fs = std::filesystem;

namespace {

/// A directory for stores, empty again at the end: a worker leaves nothing behind.
class StoreDir {
 public:
  StoreDir() : path(fs::temp_directory_path() / "sandbox-XXXXXX") {
    REQUIRE(::mkdtemp(path.data()));
  }
  ~StoreDir() { fs::remove_all(path); }
  std::string path;
};

struct File {
  TarEntry entry;
  std::string content;
};

File directory(std::string path, std::uint32_t mode = 0755) {
  return {{.path = std::move(path), .type = EntryType::Directory, .mode = mode, .mtime = {1000, 0}},
          ""};
}
File file(std::string path, std::string content, std::uint32_t mode = 0644, std::uint32_t uid = 0) {
  const auto size = content.size();
  return {{.path = std::move(path),
           .mode = mode,
           .uid = uid,
           .gid = uid,
           .size = size,
           .mtime = {1000, 0}},
          std::move(content)};
}
File link_to(std::string path, std::string target) {
  return {{.path = std::move(path),
           .type = EntryType::Symlink,
           .mode = 0777,
           .mtime = {1000, 0},
           .link_target = std::move(target)},
          ""};
}

std::string tar_of(const std::vector<File>& files) {
  std::string bytes;
  TarWriter tar([&](std::string_view part) -> Result<void> {
    bytes += part;
    return {};
  });
  for (const File& one : files) {
    REQUIRE(tar.begin(one.entry));
    REQUIRE(tar.write(one.content));
  }
  REQUIRE(tar.finish());
  return bytes;
}

std::vector<File> entries_of(const std::string& bytes) {
  TarReader tar(source_from_bytes(bytes));
  std::vector<File> files;
  for (;;) {
    auto entry = tar.next();
    REQUIRE(entry);
    if (!*entry) return files;
    File one{**entry, ""};
    for (auto part = tar.read(); part && !part->empty(); part = tar.read()) one.content += *part;
    files.push_back(std::move(one));
  }
}

std::vector<std::string> names_of(const std::string& tar) {
  std::vector<std::string> names;
  for (const File& one : entries_of(tar)) names.push_back(one.entry.path);
  return names;
}

/// FROM scratch and a busybox: no proc, sys, dev or etc/resolv.conf in it.
std::vector<File> busybox() {
  auto program = imagebuild::read_file("/bin/busybox");
  REQUIRE(program);  // Debian package busybox-static
  return {directory("bin"), file("bin/busybox", *program, 0755), link_to("bin/sh", "busybox"),
          directory("tmp", 01777)};
}

/// A builder's worker with calls that feed and drain their pipes.
class Fixture {
 public:
  Fixture() : worker(start()) {}

  /// Without assertions: Catch2 has them in one thread only.
  Result<UnpackResult> feed(LayerId layer, const std::string& tar) {
    auto pipe = TRY(make_pipe());
    std::jthread feeder(
        [&tar, end = std::move(pipe.write)] { static_cast<void>(write_all(end.get(), tar).ok()); });
    return worker.unpack(layer, std::move(pipe.read));
  }

  LayerId unpack(const std::vector<File>& files) {
    const LayerId layer = worker.new_layer();
    const auto done = feed(layer, tar_of(files));
    INFO((done ? "" : done.error().message));
    REQUIRE(done);
    return layer;
  }

  LowerList base(std::vector<File> more = {}) {
    auto files = busybox();
    files.insert(files.end(), more.begin(), more.end());
    const LayerId layer = unpack(files);
    REQUIRE(worker.settle(layer, {}));
    return {layer};
  }

  struct Ran {
    Result<RunResult> result;
    std::string output;
    LayerId upper;
  };

  Ran run(RunSpec spec) {
    spec.upper = worker.new_layer();
    auto pipe = make_pipe();
    std::string output;
    std::jthread drain([&output, end = std::move(pipe->read)] {
      if (auto text = read_all(end.get(), 1 << 20)) output = *text;
    });
    auto result = worker.run(spec, std::move(pipe->write));
    drain.join();
    return {std::move(result), std::move(output), spec.upper};
  }

  RunSpec shell(LowerList lowers, std::string script) {
    RunSpec spec;
    spec.lowers = std::move(lowers);
    spec.argv = {"/bin/sh", "-c", std::move(script)};
    spec.env = {"PATH=/bin"};
    return spec;
  }

  /// The output of a step that has to succeed.
  std::string succeed(const RunSpec& spec) {
    const Ran ran = run(spec);
    INFO(ran.output << (ran.result ? ran.result->message : ran.result.error().message));
    REQUIRE(ran.result);
    CHECK(ran.result->success());
    return ran.output;
  }

  std::string diff(const LowerList& lowers, LayerId upper) {
    auto pipe = make_pipe();
    std::string bytes;
    std::jthread drain([&bytes, end = std::move(pipe->read)] {
      if (auto text = read_all(end.get(), 64 << 20)) bytes = *text;
    });
    const auto done = worker.diff(lowers, upper, {}, std::move(pipe->write));
    drain.join();
    INFO((done ? "" : done.error().message));
    REQUIRE(done);
    return bytes;
  }

  StoreDir store;
  TreeWorker worker;

 private:
  TreeWorker start() {
    auto started = TreeWorker::start({.store_dir = store.path});
    INFO((started ? "" : started.error().message));
    REQUIRE(started);
    return *std::move(started);
  }
};

/// Waits for a process that is not our child.
bool ends_within(pid_t pid, int milliseconds) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return true;
  pollfd polled{process.get(), POLLIN, 0};
  return ::poll(&polled, 1, milliseconds) == 1;
}

}  // namespace

TEST_CASE("a step's output and exit status come back") {
  Fixture f;
  const auto lowers = f.base();
  auto ran = f.run(f.shell(lowers, "echo out; echo err >&2; exit 3"));
  REQUIRE(ran.result);
  CHECK(ran.result->exit_code == 3);
  CHECK(ran.output == "out\nerr\n");
  ran = f.run(f.shell(lowers, "kill -TERM $$"));
  REQUIRE(ran.result);
  CHECK(ran.result->signal == SIGTERM);
  CHECK(ran.result->exit_code == 128 + SIGTERM);
  CHECK_FALSE(ran.result->oom_killed);
}

TEST_CASE(
    "a step that changes nothing makes an empty layer, whatever mount points the image lacks") {
  Fixture f;
  struct Row {
    const char* name;
    std::vector<File> more;
  };
  for (const Row& row : std::vector<Row>{
           {"none of them", {}},
           {"empty etc", {directory("etc", 0750)}},
           {"all of them",
            {directory("etc"), file("etc/resolv.conf", "x"), file("etc/hosts", "x"),
             file("etc/hostname", "x"), directory("proc"), directory("sys"), directory("dev")}},
           {"resolv.conf leads to nowhere",
            {directory("etc"),
             link_to("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf")}},
           {"hosts leads out",
            {directory("etc"), link_to("etc/hosts", "../../../../../../../tmp/hosts")}}}) {
    CAPTURE(row.name);
    const auto lowers = f.base(row.more);
    const auto ran = f.run(f.shell(lowers,
                                   "busybox cat /etc/resolv.conf /etc/hosts /etc/hostname > "
                                   "/dev/null; busybox ls -la / /etc > /dev/null"));
    INFO(ran.output);
    REQUIRE(ran.result);
    CHECK(ran.result->exit_code == 0);
    CHECK(names_of(f.diff(lowers, ran.upper)).empty());
  }
}

TEST_CASE("a layer holds what the step changed, with its owner, and nothing of the mount points") {
  Fixture f;
  const auto lowers = f.base({directory("etc"), file("etc/old", "x"), file("etc/gone", "x")});
  const auto ran = f.run(f.shell(lowers,
                                 "cd etc; echo new > new; busybox chown 33:44 new; busybox chmod "
                                 "640 new; busybox rm gone; echo y >> resolv.conf"));
  REQUIRE(ran.result);
  REQUIRE(ran.result->success());
  const auto entries = entries_of(f.diff(lowers, ran.upper));
  std::vector<std::string> names;
  for (const File& one : entries) {
    names.push_back(one.entry.path);
    if (one.entry.path != "etc/new") continue;
    CHECK(one.entry.uid == 33);
    CHECK(one.entry.gid == 44);
    CHECK(one.entry.mode == 0640);
    CHECK(one.content == "new\n");
  }
  CHECK(names == std::vector<std::string>{"etc", "etc/.wh.gone", "etc/new"});
}

TEST_CASE("a lower directory is replaced, and the next step sees it") {
  Fixture f;
  auto lowers = f.base({directory("d"), file("d/old", "x")});
  const auto ran = f.run(f.shell(lowers, "busybox rm -r d && busybox mkdir d && echo n > d/new"));
  REQUIRE(ran.result);
  REQUIRE(ran.result->success());
  lowers.push_back(ran.upper);
  CHECK(f.succeed(f.shell(lowers, "busybox ls d")) == "new\n");
}

TEST_CASE("a step sees the environment that was asked for") {
  Fixture f;
  const auto lowers = f.base({directory("etc"), directory("work"), directory("closed", 0700)});
  struct Row {
    const char* script;
    std::function<void(RunSpec&)> ask;
    std::string output;
  };
  for (
      const Row& row : std::vector<Row>{
          {"umask; pwd", [](RunSpec& s) { s.cwd = "/work"; }, "0022\n/work\n"},
          {"busybox env | busybox sort",
           [](RunSpec& s) {
             s.env = {"PATH=/bin", "A=b c"};
           },
           "A=b c\nPATH=/bin\nPWD=/\nSHLVL=1\n"},
          {"busybox id -u; busybox id -G",
           [](RunSpec& s) {
             s.uid = 33;
             s.gid = 34;
             s.groups = {40, 50};
           },
           "33\n34 40 50\n"},
          {"busybox hostname; busybox cat /etc/hostname; busybox tail -2 /etc/hosts",
           [](RunSpec& s) {
             s.hostname = "box";
             s.extra_hosts = {{"db", "10.0.0.1"}};
           },
           "box\nbox\n127.0.1.1\tbox\n10.0.0.1\tdb\n"},
          {"busybox cat /etc/resolv.conf",
           [](RunSpec& s) { s.resolv_conf = "nameserver 192.0.2.1\n"; }, "nameserver 192.0.2.1\n"},
          {"busybox cat; echo done", [](RunSpec&) {}, "done\n"},
          {"busybox ls /dev | busybox tr '\\n' ' '", [](RunSpec&) {},
           "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero "},
          {"echo x > /dev/null && echo y > /dev/shm/y && busybox head -c 3 /dev/zero | busybox wc "
           "-c",
           [](RunSpec&) {}, "3\n"},
          {"busybox grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | busybox cut -f2 | "
           "busybox tr '\\n' ' '",
           [](RunSpec&) {},
           "0000000000000000 00000000a80425fb 00000000a80425fb 00000000a80425fb 0000000000000000 "},
          {"busybox grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | busybox cut -f2 | "
           "busybox tr '\\n' ' '",
           [](RunSpec& s) { s.uid = s.gid = 33; },
           "0000000000000000 0000000000000000 0000000000000000 00000000a80425fb 0000000000000000 "},
          {"busybox ls /proc/self/fd | busybox wc -l", [](RunSpec&) {},
           "4\n"}}) {  // 0, 1, 2 and ls's own
    CAPTURE(row.script);
    RunSpec spec = f.shell(lowers, row.script);
    row.ask(spec);
    CHECK(f.succeed(spec) == row.output);
  }
}

TEST_CASE("a step without a network has lo, up, and nothing else") {
  Fixture f;
  RunSpec spec = f.shell(f.base(),
                         "busybox ip -o link | busybox cut -d: -f2; busybox ping -c1 -w2 127.0.0.1 "
                         "> /dev/null && echo up");
  spec.network = Network::None;
  CHECK(f.succeed(spec) == " lo\nup\n");
}

TEST_CASE("mounts and namespaces are out of a step's reach, chroot is not") {
  Fixture f;
  const auto lowers =
      f.base({directory("root"), directory("root/bin"),
              file("root/bin/busybox", *imagebuild::read_file("/bin/busybox"), 0755)});
  struct Row {
    const char* script;
    bool works;
  };
  for (const Row& row : std::vector<Row>{{"busybox mount -t tmpfs tmpfs /tmp", false},
                                         {"busybox umount /proc", false},
                                         {"busybox unshare -m busybox true", false},
                                         {"busybox unshare -U busybox true", false},
                                         {"busybox pivot_root /root /tmp", false},
                                         {"busybox mknod /tmp/null c 1 3", false},
                                         {"echo 1 > /sys/kernel/mm/ksm/run", false},
                                         {"echo 1 > /proc/sys/vm/drop_caches", false},
                                         {"busybox rm /etc/resolv.conf", false},
                                         {"busybox chroot /root /bin/busybox true", true},
                                         {"busybox mkfifo /tmp/fifo", true}}) {
    CAPTURE(row.script);
    const auto ran = f.run(f.shell(lowers, row.script));
    REQUIRE(ran.result);
    CHECK((ran.result->exit_code == 0) == row.works);
  }
}

TEST_CASE("a step cannot read or signal the builder, nor the process that started it") {
  Fixture f;
  const std::string builder = std::to_string(::getpid());
  const std::string output = f.succeed(
      f.shell(f.base(),
              "for p in /proc/[0-9]*; do busybox cat $p/environ $p/mem 2>/dev/null | busybox head "
              "-c 65536; done | busybox grep -a -c registry-password;"
              "kill -0 " +
                  builder + " 2>/dev/null && echo signalled; busybox cat /proc/" + builder +
                  "/environ 2>/dev/null;"
                  "busybox cat /proc/1/environ > /dev/null 2>&1 && echo read-init; busybox ls "
                  "/proc/1/root/ > /dev/null 2>&1 && echo root-of-init;"
                  "kill -9 1; echo alive"));
  CHECK(output == "0\nalive\n");
}

TEST_CASE("what a step leaves running is ended before its layer is read") {
  Fixture f;
  const auto lowers = f.base();
  const auto ran = f.run(f.shell(lowers,
                                 "busybox setsid busybox sh -c 'busybox sleep 600; echo late > "
                                 "/tmp/late' > /dev/null 2>&1 & echo started"));
  REQUIRE(ran.result);
  CHECK(ran.result->success());
  CHECK(ran.output == "started\n");
  CHECK(names_of(f.diff(lowers, ran.upper)).empty());
}

TEST_CASE("a canceled step ends with all its processes") {
  Fixture f;
  RunSpec spec = f.shell(f.base(), "echo started; busybox sleep 600 & busybox sleep 600");
  spec.upper = f.worker.new_layer();
  auto pipe = make_pipe();
  std::stop_source stop;
  std::jthread canceler([&stop, end = std::move(pipe->read)] {
    std::array<char, 64> buffer{};
    static_cast<void>(read_some(end.get(), buffer).ok());
    stop.request_stop();
    static_cast<void>(
        read_all(end.get(), 1024).ok());  // ends only when no process of the step holds the pipe
  });
  const auto result = f.worker.run(spec, std::move(pipe->write), stop.get_token());
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::Canceled);
  canceler.join();
  CHECK(f.succeed(f.shell(f.base(), "echo next")) == "next\n");
}

TEST_CASE("a command that does not start says why, as a shell would") {
  Fixture f;
  const auto lowers =
      f.base({file("bin/foreign",
                   std::string("\x7f"
                               "ELF\x02\x01\x01",
                               7) +
                       std::string(57, '\0'),
                   0755),
              file("bin/plain", "x", 0644), file("bin/no-loader", "#!/nowhere/sh\n", 0755),
              file("bin/script", "echo no shebang\n", 0755)});
  struct Row {
    const char* command;
    int exit_code;
    const char* says;
  };
  for (const Row& row : std::vector<Row>{{"nothing", 127, "nothing: not found in PATH"},
                                         {"/bin/nothing", 127, "/bin/nothing: not found"},
                                         {"foreign", 126, "another architecture"},
                                         {"script", 126, "#! line"},
                                         {"plain", 126, "Permission denied"},
                                         {"no-loader", 127, "interpreter or dynamic loader"}}) {
    CAPTURE(row.command);
    RunSpec spec = f.shell(lowers, "");
    spec.argv = {row.command};
    const auto ran = f.run(spec);
    REQUIRE(ran.result);
    CHECK(ran.result->exit_code == row.exit_code);
    CHECK(ran.result->message.find(row.says) != std::string::npos);
  }
}

TEST_CASE("a sandbox that cannot be set up names the step") {
  Fixture f;
  const auto lowers = f.base({file("proc", "a file")});
  struct Row {
    std::function<void(RunSpec&)> ask;
    const char* says;
  };
  const auto good = f.base();
  for (const Row& row :
       std::vector<Row>{{[&](RunSpec& s) { s.lowers = lowers; }, "/proc is not a directory"},
                        {[](RunSpec& s) { s.cwd = "/nowhere"; }, "working directory: /nowhere"},
                        {[](RunSpec& s) { s.cwd = "relative"; }, "not absolute"},
                        {[](RunSpec& s) { s.uid = 70000; }, "uid 70000 is not mapped"},
                        {[](RunSpec& s) { s.argv.clear(); }, "no command"},
                        {[](RunSpec& s) { s.env = {std::string("A=\0b", 4)}; }, "NUL byte"}}) {
    CAPTURE(row.says);
    RunSpec spec = f.shell(good, "true");
    row.ask(spec);
    const auto ran = f.run(spec);
    REQUIRE_FALSE(ran.result);
    CHECK(ran.result.error().kind == ErrorKind::InvalidInput);
    CHECK(ran.result.error().message.find(row.says) != std::string::npos);
  }
}

TEST_CASE("files and paths are looked up inside the tree, never outside") {
  Fixture f;
  const auto lowers = f.base({directory("etc"), file("etc/passwd", "app:x:33:44::/home/app:\n"),
                              link_to("etc/shadow", "/../../../../../../etc/group"),
                              link_to("passwd", "etc/passwd")});
  auto text = f.worker.read_file(lowers, "/passwd", 1024);
  REQUIRE(text);
  CHECK(*text == "app:x:33:44::/home/app:\n");
  CHECK_FALSE(f.worker.read_file(lowers, "/etc/shadow", 1024)->has_value());
  CHECK_FALSE(f.worker.read_file(lowers, "/etc", 1024)->has_value());
  CHECK_FALSE(f.worker.read_file({}, "/etc/passwd", 1024)->has_value());
  CHECK(f.worker.read_file(lowers, "/etc/passwd", 3).error().kind == ErrorKind::InvalidInput);
  const auto info = f.worker.resolve_path(lowers, "/passwd");
  REQUIRE(info);
  CHECK(info->path == "/etc/passwd");
  CHECK(info->mode == 0644);
  CHECK(f.worker.resolve_path(lowers, "/srv/app")->missing ==
        std::vector<std::string>{"/srv", "/srv/app"});
  CHECK(f.worker.resolve_path(lowers, "/passwd", LastLink::Keep)->type == PathType::Symlink);
}

TEST_CASE("COPY --from takes a tree out of another stage") {
  Fixture f;
  const auto lowers =
      f.base({directory("app"), file("app/a", "A", 0755, 33), link_to("app/link", "a")});
  CopyRequest request;
  request.sources = {"/app"};
  request.destination = {.path = "/srv",
                         .kind = DestinationKind::Missing,
                         .trailing_slash = true,
                         .missing_parents = {}};
  auto pipe = make_pipe();
  std::string bytes;
  std::jthread drain([&bytes, end = std::move(pipe->read)] {
    if (auto text = read_all(end.get(), 64 << 20)) bytes = *text;
  });
  const auto done = f.worker.copy_out(lowers, f.base(), request, std::move(pipe->write));
  drain.join();
  INFO((done ? "" : done.error().message));
  REQUIRE(done);
  CHECK(done->content_hash.size() == 64);
  const auto names = names_of(bytes);
  CHECK(std::find(names.begin(), names.end(), "srv/a") != names.end());
  CHECK(std::find(names.begin(), names.end(), "srv/link") != names.end());
}

TEST_CASE("layers unpack side by side and merge in order") {
  Fixture f;
  std::vector<LayerId> layers;
  std::vector<std::string> tars{tar_of(busybox())};
  for (int i = 1; i < 4; ++i) {
    tars.push_back(
        tar_of({file("which", std::to_string(i)), file("only" + std::to_string(i), "")}));
  }
  std::atomic<int> failed{0};
  {
    std::vector<std::jthread> threads;
    for (const std::string& tar : tars) {
      layers.push_back(f.worker.new_layer());
      threads.emplace_back(
          [&f, &tar, &failed, layer = layers.back()] { failed += f.feed(layer, tar) ? 0 : 1; });
    }
  }
  CHECK(failed == 0);
  LowerList lowers;
  for (const LayerId layer : layers) {
    REQUIRE(f.worker.settle(layer, lowers));
    lowers.push_back(layer);
  }
  CHECK(f.succeed(f.shell(lowers, "busybox cat which; busybox ls -d only*")) ==
        "3only1\nonly2\nonly3\n");
}

TEST_CASE("more layers than an image may have are one tree") {
  Fixture f;
  LowerList lowers = f.base();
  for (int i = 0; i < 130; ++i) lowers.push_back(f.unpack({file("f" + std::to_string(i), "")}));
  CHECK(f.succeed(f.shell(lowers, "busybox ls -d /f* | busybox wc -l")) == "130\n");
}

TEST_CASE("a damaged layer is an error and can be removed") {
  Fixture f;
  const LayerId layer = f.worker.new_layer();
  auto pipe = make_pipe();
  REQUIRE(write_all(pipe->write.get(), std::string(600, 'x')));
  pipe->write.reset();
  const auto done = f.worker.unpack(layer, std::move(pipe->read));
  REQUIRE_FALSE(done);
  CHECK(done.error().kind == ErrorKind::InvalidInput);
  CHECK(f.worker.remove(layer));
}

TEST_CASE("a stopped worker leaves neither a process nor a file") {
  StoreDir store;
  {
    auto worker = TreeWorker::start({.store_dir = store.path});
    REQUIRE(worker);
    CHECK_FALSE(fs::is_empty(store.path));
    REQUIRE(worker->probe());
    REQUIRE(worker->stop());
  }
  CHECK(fs::is_empty(store.path));
}

TEST_CASE("a killed builder takes its worker and the running step with it") {
  StoreDir store;
  auto ready = make_pipe();
  const pid_t builder = ::fork();
  REQUIRE(builder >= 0);
  if (builder == 0) {
    auto worker = TreeWorker::start({.store_dir = store.path});
    if (!worker) ::_exit(1);
    auto children = read_file("/proc/self/task/" + std::to_string(::getpid()) + "/children");
    static_cast<void>(write_all(ready->write.get(), children ? *children : "").ok());
    for (;;) ::pause();
  }
  std::array<char, 64> text{};
  REQUIRE(*read_some(ready->read.get(), text) > 0);
  const pid_t worker = std::atoi(text.data());
  REQUIRE(worker > 0);
  ::kill(builder, SIGKILL);
  ::waitpid(builder, nullptr, 0);
  CHECK(ends_within(worker, 20000));
  for (const auto& entry : fs::recursive_directory_iterator(store.path)) {
    CHECK(entry.path().filename() !=
          "store");  // the builder's own two empty directories stay: nobody is left to remove them
  }
}

TEST_CASE("an abandoned worker ends its running step") {
  Fixture f;
  if (f.worker.id_plan().method != IdMapMethod::SubordinateRoot) {
    WARN("skipped: only root of the machine can remove the files that an abandoned store leaves");
    return;
  }
  RunSpec spec = f.shell(f.base(), "echo started; exec busybox sleep 600");
  spec.upper = f.worker.new_layer();
  auto pipe = make_pipe();
  std::jthread killer([&f, end = std::move(pipe->read)] {
    std::array<char, 64> buffer{};
    static_cast<void>(read_some(end.get(), buffer).ok());
    f.worker.abandon();
    static_cast<void>(
        read_all(end.get(), 1024).ok());  // ends only when no process of the step holds the pipe
  });
  CHECK(f.worker.run(spec, std::move(pipe->write)).error().kind == ErrorKind::Canceled);
}

TEST_CASE("the probe finds overlay here and says how") {
  StoreDir store;
  const auto report = probe_isolation({.store_dir = store.path + "/made/when/missing"});
  const ModeReport& overlay = report.of(IsolationMode::Overlay);
  INFO(overlay.detail << " " << overlay.hint);
  CHECK(overlay.available);
  CHECK(report.ids);
  CHECK(select_isolation("auto", report));
}

TEST_CASE("the worker is not started by hand") {
  char self[] = "/proc/self/exe";
  char name[] = "tree-worker";
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::syscall(SYS_close_range, 2u, ~0u, 0u);
    char* argv[] = {self, name, nullptr};
    ::execv(self, argv);
    ::_exit(99);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  CHECK(WEXITSTATUS(status) == 2);
}
