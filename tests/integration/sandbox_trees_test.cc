// Trees and layers of the worker, and the end of the worker itself.
#include "tests/integration/sandbox_fixture.h"

using namespace imagebuild;
using namespace imagebuild::testing;

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
