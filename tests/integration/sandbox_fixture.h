// A tree worker with real namespaces for the sandbox tests, as the user who runs them: root of a
// plain machine, or anybody with newuidmap and an entry in /etc/subuid. The image is a static
// busybox.
#pragma once

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

namespace imagebuild::testing {

namespace fs = std::filesystem;

/// A directory for stores, empty again at the end: a worker leaves nothing behind.
class StoreDir {
 public:
  StoreDir() : path(fs::temp_directory_path() / "sandbox-XXXXXX") {
    REQUIRE(::mkdtemp(path.data()));
  }
  ~StoreDir() {
    std::error_code failed;
    fs::remove_all(path, failed);
    // A kept cache belongs to the subordinate ids of whoever is not root.
    if (failed && std::system(("unshare --map-root-user --map-auto rm -rf " + path).c_str()) != 0)
      WARN(path + " is left");
  }
  std::string path;
};

struct File {
  TarEntry entry;
  std::string content;
};

inline File directory(std::string path, std::uint32_t mode = 0755) {
  return {{.path = std::move(path), .type = EntryType::Directory, .mode = mode, .mtime = {1000, 0}},
          ""};
}
inline File file(std::string path, std::string content, std::uint32_t mode = 0644,
                 std::uint32_t uid = 0) {
  const auto size = content.size();
  return {{.path = std::move(path),
           .mode = mode,
           .uid = uid,
           .gid = uid,
           .size = size,
           .mtime = {1000, 0}},
          std::move(content)};
}
inline File link_to(std::string path, std::string target) {
  return {{.path = std::move(path),
           .type = EntryType::Symlink,
           .mode = 0777,
           .mtime = {1000, 0},
           .link_target = std::move(target)},
          ""};
}

inline std::string tar_of(const std::vector<File>& files) {
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

inline std::vector<File> entries_of(const std::string& bytes) {
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

inline std::vector<std::string> names_of(const std::string& tar) {
  std::vector<std::string> names;
  for (const File& one : entries_of(tar)) names.push_back(one.entry.path);
  return names;
}

/// FROM scratch and a busybox: no proc, sys, dev or etc/resolv.conf in it.
inline std::vector<File> busybox() {
  auto program = imagebuild::read_file("/bin/busybox");
  REQUIRE(program);  // Debian package busybox-static
  return {directory("bin"), file("bin/busybox", *program, 0755), link_to("bin/sh", "busybox"),
          directory("tmp", 01777)};
}

/// A builder's worker with calls that feed and drain their pipes.
class Fixture {
 public:
  /// `cache_dir`: keeps the caches of RUN; empty: they end with the worker.
  explicit Fixture(const std::string& cache_dir = "") : worker(start(cache_dir)) {}

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

  Ran run(RunSpec spec, std::vector<UniqueFd> attachments = {}) {
    spec.upper = worker.new_layer();
    auto pipe = make_pipe();
    std::string output;
    std::jthread drain([&output, end = std::move(pipe->read)] {
      if (auto text = read_all(end.get(), 1 << 20)) output = *text;
    });
    auto result = worker.run(spec, std::move(pipe->write), {}, std::move(attachments));
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
  TreeWorker start(const std::string& cache_dir) {
    auto started = TreeWorker::start({.store_dir = store.path, .cache_dir = cache_dir});
    INFO((started ? "" : started.error().message));
    REQUIRE(started);
    return *std::move(started);
  }
};

/// Waits for a process that is not our child.
inline bool ends_within(pid_t pid, int milliseconds) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return true;
  pollfd polled{process.get(), POLLIN, 0};
  return ::poll(&polled, 1, milliseconds) == 1;
}

}  // namespace imagebuild::testing
