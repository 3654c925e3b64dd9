#include "common/base/unique_fd.h"
#include "tests/unit/registry/fixture.h"

using namespace imagebuild;
using namespace imagebuild::testing;
using registry::BlobSource;
using registry::PushOutcome;

namespace {

using Auth = FakeRegistryOptions::Auth;
using Fault = ServerResponse::Fault;

// The fixture's monolithic limit is 64 KiB.
const std::string kSmall = pattern(1000);
const std::string kLarge = pattern(3'000'000);

}  // namespace

TEST_CASE("small blobs go in one PUT, large ones in a PATCH, wherever the upload is") {
  for (bool absolute : {false, true}) {
    for (Auth auth : {Auth::None, Auth::Basic, Auth::Token}) {
      RegistryFixture f({.auth = auth, .absolute_locations = absolute});
      auto client = f.client(f.options(RegistryFixture::kGoodAuth));
      for (const std::string& bytes : {std::string(), kSmall, kLarge}) {
        CAPTURE(absolute, static_cast<int>(auth), bytes.size());
        auto result = client.upload_blob(f.reference("acme/app"), oci::Digest::of(bytes),
                                         BlobSource::from_bytes(bytes));
        CAPTURE(result ? "" : result.error().message);
        REQUIRE(result.ok());
        CHECK(f.fake.blob("acme/app", oci::Digest::of(bytes)) == bytes);
      }
      CHECK(f.fake.count("PATCH", "/blobs/uploads/") == 1);
      CHECK(f.fake.count("PUT", "/blobs/uploads/") == 3);
    }
  }
}

TEST_CASE("a blob is read from its file") {
  std::string path = "/tmp/imagebuild-blob-" + std::to_string(::getpid());
  REQUIRE(write_file_atomically(path, kLarge).ok());
  auto source = BlobSource::from_file(path);
  REQUIRE(source.ok());
  CHECK(source->size == kLarge.size());
  ::unlink(path.c_str());
  RegistryFixture f;
  CHECK(f.client().upload_blob(f.reference("a"), oci::Digest::of(kLarge), *source).ok());
  CHECK(f.fake.blob("a", oci::Digest::of(kLarge)) == kLarge);
  CHECK(BlobSource::from_file("/nonexistent").error().kind == ErrorKind::NotFound);
  CHECK(BlobSource::from_file("/tmp").error().kind == ErrorKind::InvalidInput);
}

TEST_CASE("what is there is not sent, what another repository has is mounted") {
  RegistryFixture f({.auth = Auth::Token});
  auto client = f.client(f.options(RegistryFixture::kGoodAuth));
  auto digest = f.fake.put_blob("library/node", kLarge);
  auto source = BlobSource::from_bytes(kLarge);
  auto to = f.reference("acme/app:1");
  CHECK(*client.push_blob(to, digest, source, f.reference("library/node:20")) ==
        PushOutcome::Mounted);
  CHECK(*client.push_blob(to, digest, source, f.reference("library/node:20")) ==
        PushOutcome::Existed);
  CHECK(*client.blob_exists(to, digest));
  CHECK_FALSE(*client.blob_exists(f.reference("other"), digest));
  CHECK(f.fake.count("PATCH", "") == 0);
  CHECK(f.fake.blob("acme/app", digest) == kLarge);
}

TEST_CASE("a mount that the registry turns into an upload is used as one") {
  RegistryFixture f({.mount_allowed = false});
  auto digest = f.fake.put_blob("library/node", kLarge);
  auto client = f.client();
  CHECK(*client.push_blob(f.reference("a"), digest, BlobSource::from_bytes(kLarge),
                          f.reference("library/node")) == PushOutcome::Uploaded);
  CHECK(f.fake.count("POST", "/blobs/uploads/") == 1);
  CHECK_FALSE(*client.mount_blob(f.reference("b"), digest, f.reference("library/node")));
  CHECK(f.fake.count("DELETE", "/blobs/uploads/") == 1);
  auto elsewhere = *oci::Reference::parse("ghcr.io/x/y");
  CHECK_FALSE(*client.mount_blob(f.reference("b"), digest, elsewhere));
}

TEST_CASE("a registry that does not answer HEAD of blobs gets the upload") {
  RegistryFixture f({.head_of_blobs = false});
  CHECK(*f.client().push_blob(f.reference("a"), oci::Digest::of(kSmall),
                              BlobSource::from_bytes(kSmall)) == PushOutcome::Uploaded);
}

TEST_CASE("an interrupted upload goes on at the registry's offset") {
  struct Row {
    const char* name;
    ServerResponse response;
    bool after_handling;
    int patches;
  };
  const Row rows[] = {
      {"reset before anything arrived", {.fault = Fault::ResetBeforeResponse}, false, 2},
      {"reset after all arrived", {.fault = Fault::ResetBeforeResponse}, true, 1},
      {"503", {.status = 503}, false, 2},
      {"429", {.status = 429, .headers = {{"Retry-After", "2"}}}, false, 2},
      {"416", {.status = 416}, false, 2},
      {"upload lost", {.status = 404}, false, 2},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    RegistryFixture f;
    f.fake.fail_next("PATCH", "/blobs/uploads/", row.response, 1, row.after_handling);
    auto result = f.client().upload_blob(f.reference("a"), oci::Digest::of(kLarge),
                                         BlobSource::from_bytes(kLarge));
    CAPTURE(result ? "" : result.error().message);
    CHECK(result.ok());
    CHECK(f.fake.blob("a", oci::Digest::of(kLarge)) == kLarge);
    CHECK(f.fake.count("PATCH", "") == row.patches);
    CHECK(f.waits.size() == 1);
  }
}

TEST_CASE("a registry that took only a part is sent the rest") {
  RegistryFixture f;
  bool cut = false;
  // The first PATCH is stored up to a million bytes: the fake sees a shorter request.
  f.fake.intercept([&](const ServerRequest& request) -> std::optional<ServerResponse> {
    if (request.method != "PATCH" || cut) return std::nullopt;
    cut = true;
    auto& body = const_cast<ServerRequest&>(request).body;
    body.resize(1'000'000);
    return std::nullopt;
  });
  CHECK(f.client()
            .upload_blob(f.reference("a"), oci::Digest::of(kLarge), BlobSource::from_bytes(kLarge))
            .ok());
  CHECK(f.fake.blob("a", oci::Digest::of(kLarge)) == kLarge);
  CHECK(f.fake.count("PATCH", "") == 2);
  CHECK(f.fake.count("POST", "") == 1);
}

TEST_CASE("a proxy that limits bodies gets pieces") {
  RegistryFixture f({.patch_limit = 17u << 20});
  std::string bytes = pattern(40u << 20);
  auto result = f.client().upload_blob(f.reference("a"), oci::Digest::of(bytes),
                                       BlobSource::from_bytes(bytes));
  CAPTURE(result ? "" : result.error().message);
  CHECK(result.ok());
  CHECK(f.fake.blob("a", oci::Digest::of(bytes)) == bytes);
  CHECK(f.fake.count("PATCH", "") == 4);
}

TEST_CASE("a commit whose answer was lost is found done") {
  for (const std::string& bytes : {kSmall, kLarge}) {
    RegistryFixture f;
    f.fake.fail_next("PUT", "/blobs/uploads/", {.fault = Fault::ResetBeforeResponse}, 1, true);
    CHECK(f.client()
              .upload_blob(f.reference("a"), oci::Digest::of(bytes), BlobSource::from_bytes(bytes))
              .ok());
    CHECK(f.fake.count("POST", "") == 1);
  }
}

TEST_CASE("a token that runs out during an upload is renewed") {
  RegistryFixture f({.auth = Auth::Token});
  auto client = f.client(f.options(RegistryFixture::kGoodAuth));
  f.fake.intercept(
      [&, done = false](const ServerRequest& request) mutable -> std::optional<ServerResponse> {
        if (request.method != "PATCH" || std::exchange(done, true)) return std::nullopt;
        return ServerResponse{
            .status = 401,
            .headers = {{"WWW-Authenticate", "Bearer realm=\"" + f.fake.origin() + "/token\""}}};
      });
  CHECK(
      client.upload_blob(f.reference("a"), oci::Digest::of(kLarge), BlobSource::from_bytes(kLarge))
          .ok());
  CHECK(f.fake.blob("a", oci::Digest::of(kLarge)) == kLarge);
  CHECK(f.fake.count("GET", "/token") == 2);
}

TEST_CASE("errors say what was pushed where, and what the registry said") {
  RegistryFixture f;
  f.fake.fail_next(
      "POST", "/blobs/uploads/",
      {.status = 403,
       .body =
           R"({"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]})"});
  auto denied = f.client().upload_blob(f.reference("acme/app:1.4"), oci::Digest::of(kSmall),
                                       BlobSource::from_bytes(kSmall));
  CHECK(denied.error().kind == ErrorKind::Denied);
  CHECK(denied.error().message ==
        "push " + f.fake.host() + "/acme/app:1.4: upload " + oci::Digest::of(kSmall).to_string() +
            ": start upload: 403 forbidden: DENIED: requested access to the resource is denied");

  auto wrong = f.client().upload_blob(f.reference("a"), oci::Digest::of("other"),
                                      BlobSource::from_bytes(kSmall));
  CHECK(wrong.error().kind == ErrorKind::Internal);
  CHECK(wrong.error().message.find("DIGEST_INVALID") != std::string::npos);

  auto shorter = BlobSource::from_bytes(kLarge.substr(0, 1'000'000));
  shorter.size = kLarge.size();
  auto truncated = f.client().upload_blob(f.reference("a"), oci::Digest::of(kLarge), shorter);
  CAPTURE(truncated ? "" : truncated.error().message);
  CHECK(truncated.error().message.find("the blob ends at 1000000 of 3000000 bytes") !=
        std::string::npos);

  f.fake.fail_next("POST", "/blobs/uploads/", {.status = 500}, 1000);
  CHECK(f.client()
            .upload_blob(f.reference("a"), oci::Digest::of(kLarge), BlobSource::from_bytes(kLarge))
            .error()
            .kind == ErrorKind::Transient);
}

TEST_CASE("a manifest is put by digest, then by tag, and asked for afterwards") {
  RegistryFixture f;
  std::string bytes = store_image(f.fake, "seed", "", "x");
  auto digest = oci::Digest::of(bytes);
  auto client = f.client();
  auto to = f.reference("acme/app:1.4");
  CHECK(*client.put_manifest(to.with_digest(digest), oci::media_type::kManifest, bytes) == digest);
  CHECK_FALSE(f.fake.manifest("acme/app", "1.4").has_value());
  CHECK(*client.put_manifest(to, oci::media_type::kManifest, bytes) == digest);
  CHECK(f.fake.manifest("acme/app", "1.4") == bytes);
  CHECK(f.fake.count("HEAD", "/manifests/" + digest.to_string()) == 2);
  CHECK(client.put_manifest(to.with_digest(oci::Digest::of("x")), oci::media_type::kManifest, bytes)
            .error()
            .kind == ErrorKind::InvalidInput);
}

TEST_CASE("attack: a registry that stores something else is caught") {
  RegistryFixture f;
  std::string bytes = store_image(f.fake, "seed", "", "x");
  std::string other = "sha256:" + std::string(64, 'e');
  auto client = f.client();
  auto to = f.reference("a:1").with_digest(oci::Digest::of(bytes));
  f.fake.fail_next("PUT", "/manifests/",
                   {.status = 201, .headers = {{"Docker-Content-Digest", other}}});
  auto put = client.put_manifest(to, oci::media_type::kManifest, bytes);
  CHECK(put.error().kind == ErrorKind::Internal);
  CHECK(put.error().message.find(other) != std::string::npos);

  f.fake.fail_next("PUT", "/manifests/", {.status = 201});
  put = client.put_manifest(to, oci::media_type::kManifest, bytes);
  CHECK(put.error().kind == ErrorKind::Internal);
  CHECK(put.error().message.find("asked by digest: 404") != std::string::npos);

  f.fake.fail_next("HEAD", "/manifests/",
                   {.status = 200, .headers = {{"Docker-Content-Digest", other}}});
  CHECK(client.put_manifest(to, oci::media_type::kManifest, bytes).error().kind ==
        ErrorKind::Internal);

  f.fake.fail_next("PUT", "/blobs/uploads/",
                   {.status = 201, .headers = {{"Docker-Content-Digest", other}}});
  CHECK(client.upload_blob(to, oci::Digest::of(kSmall), BlobSource::from_bytes(kSmall))
            .error()
            .kind == ErrorKind::Internal);
}

TEST_CASE("attack: an upload is sent to another host without credentials") {
  RegistryFixture f({.auth = Auth::Basic});
  f.fake.intercept([&](const ServerRequest& request) -> std::optional<ServerResponse> {
    if (request.method != "POST" || request.headers.find("Authorization") == std::nullopt)
      return std::nullopt;
    return ServerResponse{.status = 202,
                          .headers = {{"Location", "http://" + f.fake.blob_host() + "/elsewhere"}}};
  });
  auto client = f.client(f.options(RegistryFixture::kGoodAuth));
  CHECK_FALSE(
      client.upload_blob(f.reference("a"), oci::Digest::of(kLarge), BlobSource::from_bytes(kLarge))
          .ok());
  CHECK(f.fake.count("PATCH", "/elsewhere") > 0);
  CHECK(f.fake.leaked_credentials() == 0);
}
