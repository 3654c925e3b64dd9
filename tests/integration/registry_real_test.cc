// The client against Debian's docker-registry, started here on a free port with a folder of its
// own.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "common/base/clock.h"
#include "common/base/sha256.h"
#include "common/base/unique_fd.h"
#include "common/registry/client.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using registry::BlobSource;
using registry::PushOutcome;

namespace {

constexpr const char* kProgram = "/usr/bin/docker-registry";

// A running registry; killed, reaped and cleared away by the destructor.
class RealRegistry {
 public:
  RealRegistry() {
    REQUIRE(::mkdtemp(folder_) != nullptr);
    std::string config =
        "version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: " +
        std::string(folder_) + "/data}, delete: {enabled: true}}\nhttp: {addr: '127.0.0.1:0'}\n";
    REQUIRE(write_file_atomically(std::string(folder_) + "/config.yml", config).ok());
    auto pipe = make_pipe();
    REQUIRE(pipe.ok());
    log_ = std::move(pipe->read);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::dup2(pipe->write.get(), STDERR_FILENO);
      ::dup2(pipe->write.get(), STDOUT_FILENO);
      std::string path = std::string(folder_) + "/config.yml";
      ::execl(kProgram, kProgram, "serve", path.c_str(), nullptr);
      ::_exit(127);
    }
    pipe->write.reset();
    read_port();
  }
  ~RealRegistry() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    drain_.join();
    std::filesystem::remove_all(folder_);
  }

  oci::Reference reference(const std::string& rest) const {
    return *oci::Reference::parse("127.0.0.1:" + std::to_string(port_) + "/" + rest);
  }

 private:
  // The kernel chose the port; the registry's log says which.
  void read_port() {
    std::string text;
    std::array<char, 4096> buffer;
    const std::string mark = "listening on 127.0.0.1:";
    while (text.find(mark) == std::string::npos ||
           text.find_first_not_of("0123456789", text.find(mark) + mark.size()) ==
               std::string::npos) {
      auto count = read_some(log_.get(), buffer);
      if (!count || *count == 0) FAIL("docker-registry did not start: " << text);
      text.append(buffer.data(), *count);
    }
    port_ = std::atoi(text.c_str() + text.find(mark) + mark.size());
    drain_ = std::thread([this] {
      std::array<char, 4096> rest;
      for (;;) {
        auto count = read_some(log_.get(), rest);
        if (!count || *count == 0) return;
      }
    });
  }

  char folder_[64] = "/tmp/imagebuild-registry-XXXXXX";
  UniqueFd log_;
  pid_t pid_ = -1;
  int port_ = 0;
  std::thread drain_;
};

struct Fixture {
  RealRegistry real;
  SystemClock clock;
  registry::TransportPair transports{http::TransportOptions{.proxy_from_environment = false}};
  registry::Client client = [this] {
    registry::ClientOptions options;
    options.insecure = {"127.0.0.1"};
    return std::move(*registry::Client::make(transports.chooser(), clock, std::move(options)));
  }();
};

bool registry_is_missing() {
  if (::access(kProgram, X_OK) == 0) return false;
  WARN("skipped: " << kProgram << " is not installed (package docker-registry)");
  return true;
}

// A blob of any size that exists nowhere: every 64-bit word is a function of its offset.
BlobSource generated(std::uint64_t size) {
  auto read_at = [size](std::uint64_t offset, std::span<char> buffer) -> Result<std::size_t> {
    auto count = static_cast<std::size_t>(
        std::min<std::uint64_t>(buffer.size(), size - std::min(offset, size)));
    for (std::size_t i = 0; i < count; ++i) {
      std::uint64_t word = ((offset + i) / 8 + 1) * 0x9E3779B97F4A7C15ull;
      buffer[i] = static_cast<char>(word >> ((offset + i) % 8 * 8));
    }
    return count;
  };
  return {.size = size, .read_at = read_at};
}

oci::Digest digest_of(const BlobSource& source) {
  Sha256 hash;
  std::vector<char> buffer(1 << 20);
  for (std::uint64_t offset = 0; offset < source.size;) {
    std::size_t count = *source.read_at(offset, buffer);
    hash.update({buffer.data(), count});
    offset += count;
  }
  return *oci::Digest::from_hex(hash.finish_hex());
}

// Peak resident memory in KiB, since the last reset.
long peak_memory() {
  std::string status = *read_file("/proc/self/status");
  return std::atol(status.c_str() + status.find("VmHWM:") + std::strlen("VmHWM:"));
}
void reset_peak_memory() {
  auto file = open_file("/proc/self/clear_refs", O_WRONLY);
  REQUIRE((file.ok() && write_all(file->get(), "5").ok()));
}

}  // namespace

TEST_CASE("an image pushed to docker-registry comes back as it was, by digest and by every tag") {
  if (registry_is_missing()) return;
  Fixture f;
  auto repository = f.real.reference("acme/app");
  std::string config =
      R"({"architecture":"amd64","os":"linux","config":{"Cmd":["true"]},"rootfs":{"type":"layers","diff_ids":[]}})";
  std::string layer(100'000, 'l');
  oci::Manifest manifest;
  manifest.config = {.media_type = std::string(oci::media_type::kConfig),
                     .digest = oci::Digest::of(config),
                     .size = config.size()};
  manifest.layers = {{.media_type = std::string(oci::media_type::kLayer),
                      .digest = oci::Digest::of(layer),
                      .size = layer.size()}};
  std::string bytes = manifest.serialise();
  auto digest = oci::Digest::of(bytes);

  CHECK_FALSE(f.client.head(repository.with_tag("1"))->has_value());
  CHECK(*f.client.push_blob(repository, manifest.config.digest, BlobSource::from_bytes(config)) ==
        PushOutcome::Uploaded);
  CHECK(*f.client.push_blob(repository, manifest.layers[0].digest, BlobSource::from_bytes(layer)) ==
        PushOutcome::Uploaded);
  CHECK(*f.client.push_blob(repository, manifest.layers[0].digest, BlobSource::from_bytes(layer)) ==
        PushOutcome::Existed);
  CHECK(*f.client.put_manifest(repository.with_digest(digest), manifest.media_type, bytes) ==
        digest);
  for (const char* tag : {"1", "latest"})
    CHECK(*f.client.put_manifest(repository.with_tag(tag), manifest.media_type, bytes) == digest);

  for (const auto& reference :
       {repository.with_tag("1"), repository.with_tag("latest"), repository.with_digest(digest)}) {
    CHECK(**f.client.head(reference) == digest);
    auto image = f.client.resolve(reference, *oci::Platform::parse("linux/amd64"));
    REQUIRE(image.ok());
    CHECK(image->raw == bytes);
    CHECK(f.client.fetch_config(repository, image->manifest.config)->config.cmd ==
          std::vector<std::string>{"true"});
  }
  std::string back;
  CHECK(f.client
            .fetch_blob(repository, manifest.layers[0],
                        [&](std::string_view piece) {
                          back += piece;
                          return Result<void>();
                        })
            .ok());
  CHECK(back == layer);
}

TEST_CASE("docker-registry mounts a blob of another repository") {
  if (registry_is_missing()) return;
  Fixture f;
  auto source = generated(20 << 20);
  auto digest = digest_of(source);
  CHECK(*f.client.push_blob(f.real.reference("library/node"), digest, source) ==
        PushOutcome::Uploaded);
  CHECK(*f.client.push_blob(f.real.reference("acme/app"), digest, source,
                            f.real.reference("library/node")) == PushOutcome::Mounted);
  CHECK(*f.client.blob_exists(f.real.reference("acme/app"), digest));
  CHECK_FALSE(*f.client.mount_blob(f.real.reference("acme/app"), oci::Digest::of("nowhere"),
                                   f.real.reference("library/node")));
}

TEST_CASE("docker-registry refuses a blob with a wrong digest and a manifest without its blobs") {
  if (registry_is_missing()) return;
  Fixture f;
  auto to = f.real.reference("acme/app:1");
  auto wrong = f.client.upload_blob(to, oci::Digest::of("other"), BlobSource::from_bytes("bytes"));
  CHECK(wrong.error().message.find("DIGEST_INVALID") != std::string::npos);
  oci::Manifest manifest;
  manifest.config = {.media_type = std::string(oci::media_type::kConfig),
                     .digest = oci::Digest::of("nowhere"),
                     .size = 7};
  auto put = f.client.put_manifest(to, manifest.media_type, manifest.serialise());
  CHECK(put.error().message.find("MANIFEST_BLOB_UNKNOWN") != std::string::npos);
  CHECK_FALSE(f.client.head(to)->has_value());
}

TEST_CASE("300 MB go up and come down in bounded memory") {
  if (registry_is_missing()) return;
  Fixture f;
  auto repository = f.real.reference("acme/large");
  auto source = generated(300'000'000);
  auto digest = digest_of(source);
  reset_peak_memory();
  long before = peak_memory();
  auto pushed = f.client.push_blob(repository, digest, source);
  CAPTURE(pushed ? "" : pushed.error().message);
  REQUIRE(pushed.ok());
  CHECK(*pushed == PushOutcome::Uploaded);
  long up = peak_memory() - before;

  std::uint64_t received = 0;
  auto fetched =
      f.client.fetch_blob(repository, {.media_type = {}, .digest = digest, .size = source.size},
                          [&](std::string_view piece) {
                            received += piece.size();
                            return Result<void>();
                          });
  CAPTURE(fetched ? "" : fetched.error().message);
  CHECK(fetched.ok());
  CHECK(received == source.size);
  long down = peak_memory() - before;
  CAPTURE(up, down);
  CHECK(up < 32 * 1024);
  CHECK(down < 32 * 1024);
}
