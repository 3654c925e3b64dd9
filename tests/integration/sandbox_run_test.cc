// What a RUN step sees, can reach and leaves behind.
#include "tests/integration/sandbox_fixture.h"

using namespace imagebuild;
using namespace imagebuild::testing;

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
          {"pwd", [](RunSpec& s) { s.cwd = "/made/for/it"; }, "/made/for/it\n"},
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
                        {[](RunSpec& s) { s.cwd = "/bin/sh/x"; }, "working directory: /bin/sh/x"},
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
