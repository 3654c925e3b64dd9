// A client against a fake registry: real transport, real protocol, no real waiting.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/registry/client.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_registry/fake_registry.h"

namespace imagebuild::testing {

struct RegistryFixture {
  explicit RegistryFixture(FakeRegistryOptions options = {}) : fake(options) {}

  FakeRegistry fake;
  FakeClock clock;
  std::unique_ptr<http::Transport> transport =
      http::make_transport({.proxy_from_environment = false});
  std::mutex waits_mutex;
  std::vector<Duration> waits;

  registry::ClientOptions options(const std::string& auth_entry = "") {
    registry::ClientOptions out;
    out.insecure = {"127.0.0.1"};
    out.monolithic_limit = 64 << 10;
    out.retry.backoff = {.first = Duration(1), .jitter = 0};
    out.retry.wait = [this](Duration delay, const std::stop_token& stop) {
      std::lock_guard lock(waits_mutex);
      waits.push_back(delay);
      return !stop.stop_requested();
    };
    if (!auth_entry.empty()) {
      auto parsed =
          registry::parse_docker_config(R"({"auths":{")" + fake.host() + "\":" + auth_entry + "}}");
      REQUIRE(parsed.ok());
      out.credentials = *parsed;
    }
    return out;
  }
  registry::Client client(registry::ClientOptions client_options) {
    // The https probe of an insecure host would talk TLS to a plain server: answered here, at once.
    auto chooser = [this](std::string_view, registry::Verification) -> http::Transport& {
      return plain;
    };
    auto made = registry::Client::make(chooser, clock, std::move(client_options));
    REQUIRE(made.ok());
    return std::move(*made);
  }
  registry::Client client() { return client(options()); }
  oci::Reference reference(const std::string& rest) const {
    return *oci::Reference::parse(fake.host() + "/" + rest);
  }

  static constexpr const char* kGoodAuth = R"({"username":"robot","password":"s3cret"})";

 private:
  class PlainOnly final : public http::Transport {
   public:
    explicit PlainOnly(RegistryFixture& fixture) : fixture_(fixture) {}
    Result<http::Response> send(const http::Request& request, std::stop_token stop) override {
      if (request.url.starts_with("https://"))
        return fail(ErrorKind::Transient, "TLS: wrong version number");
      return fixture_.transport->send(request, stop);
    }

   private:
    RegistryFixture& fixture_;
  };
  PlainOnly plain{*this};
};

/// Bytes that differ at every offset, so that a resumption at the wrong one is seen.
inline std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint64_t state = 88172645463325252ull;
  for (auto& byte : bytes) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    byte = static_cast<char>(state);
  }
  return bytes;
}

inline oci::Descriptor describe(const std::string& bytes,
                                std::string_view type = oci::media_type::kLayerGzip) {
  return {.media_type = std::string(type), .digest = oci::Digest::of(bytes), .size = bytes.size()};
}

/// A manifest with one layer, config and layer stored beside it.
inline std::string store_image(FakeRegistry& fake, const std::string& repository,
                               const std::string& tag, const std::string& layer) {
  std::string config =
      R"({"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}})";
  fake.put_blob(repository, config);
  fake.put_blob(repository, layer);
  oci::Manifest manifest;
  manifest.config = describe(config, oci::media_type::kConfig);
  manifest.layers = {describe(layer)};
  std::string bytes = manifest.serialise();
  fake.put_manifest(repository, tag, bytes, std::string(oci::media_type::kManifest));
  return bytes;
}

/// A sink that collects.
inline registry::BlobSink into(std::string& out) {
  return [&out](std::string_view bytes) -> Result<void> {
    out += bytes;
    return {};
  };
}

}  // namespace imagebuild::testing
