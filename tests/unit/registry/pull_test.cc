#include "tests/unit/registry/fixture.h"

using namespace imagebuild;
using namespace imagebuild::testing;
using oci::Platform;

namespace {
const Platform kAmd64 = *Platform::parse("linux/amd64");
using Fault = ServerResponse::Fault;
}  // namespace

TEST_CASE("a tag resolves to its manifest") {
  RegistryFixture f;
  std::string bytes = store_image(f.fake, "acme/app", "1", "layer");
  auto client = f.client();
  auto image = client.resolve(f.reference("acme/app:1"), kAmd64);
  REQUIRE(image.ok());
  CHECK(image->raw == bytes);
  CHECK(image->digest == oci::Digest::of(bytes));
  CHECK(image->named_digest == image->digest);
  CHECK(client.fetch_config(f.reference("acme/app"), image->manifest.config)->architecture ==
        "amd64");
  std::string layer;
  CHECK(client.fetch_blob(f.reference("acme/app"), image->manifest.layers[0], into(layer)).ok());
  CHECK(layer == "layer");
}

TEST_CASE("an index resolves to the platform's manifest, and keeps its own digest") {
  RegistryFixture f;
  std::string manifest = store_image(f.fake, "a", "", "x");
  oci::Index index;
  auto entry = describe(manifest, oci::media_type::kManifest);
  entry.platform = kAmd64;
  index.manifests = {entry};
  auto index_digest =
      f.fake.put_manifest("a", "multi", index.serialise(), std::string(oci::media_type::kIndex));
  auto client = f.client();
  auto image = client.resolve(f.reference("a:multi"), kAmd64);
  REQUIRE(image.ok());
  CHECK(image->named_digest == index_digest);
  CHECK(image->digest == oci::Digest::of(manifest));
  CHECK(*client.head(f.reference("a:multi")) == index_digest);
  auto none = client.resolve(f.reference("a:multi"), *Platform::parse("linux/s390x"));
  CHECK(none.error().kind == ErrorKind::NotFound);
  CHECK(none.error().message.find("there is linux/amd64") != std::string::npos);
}

TEST_CASE("what does not exist is NotFound, and nothing to head()") {
  RegistryFixture f;
  auto client = f.client();
  auto missing = client.resolve(f.reference("a:1"), kAmd64);
  CHECK(missing.error().kind == ErrorKind::NotFound);
  CHECK(missing.error().message ==
        "pull " + f.fake.host() + "/a:1: 404 not found: MANIFEST_UNKNOWN: manifest unknown");
  auto head = client.head(f.reference("a:1"));
  REQUIRE(head.ok());
  CHECK_FALSE(head->has_value());
}

TEST_CASE(
    "attack: a registry answers a digest with other bytes and lies in Docker-Content-Digest") {
  RegistryFixture f;
  std::string real = store_image(f.fake, "a", "1", "real");
  std::string evil = store_image(f.fake, "a", "2", "evil");
  auto asked = oci::Digest::of(real);
  f.fake.intercept([&](const ServerRequest& request) -> std::optional<ServerResponse> {
    if (request.path.find("/manifests/sha256:") == std::string::npos) return std::nullopt;
    return ServerResponse{.status = 200,
                          .headers = {{"Content-Type", std::string(oci::media_type::kManifest)},
                                      {"Docker-Content-Digest", asked.to_string()}},
                          .body = evil};
  });
  auto client = f.client();
  auto image = client.resolve(f.reference("a").with_digest(asked), kAmd64);
  REQUIRE_FALSE(image.ok());
  CHECK(image.error().kind == ErrorKind::InvalidInput);
  CHECK(image.error().message.find(asked.to_string()) != std::string::npos);
  CHECK(image.error().message.find(oci::Digest::of(evil).to_string()) != std::string::npos);
}

TEST_CASE("attack: a lying Docker-Content-Digest of a tag does not become the image's digest") {
  RegistryFixture f;
  std::string bytes = store_image(f.fake, "a", "1", "x");
  f.fake.fail_next("GET", "/manifests/1",
                   {.status = 200,
                    .headers = {{"Docker-Content-Digest", "sha256:" + std::string(64, 'e')}},
                    .body = bytes});
  CHECK(f.client().resolve(f.reference("a:1"), kAmd64)->digest == oci::Digest::of(bytes));
}

TEST_CASE("a HEAD without a digest, or not allowed, falls back to the manifest") {
  for (int status : {200, 405}) {
    RegistryFixture f;
    std::string bytes = store_image(f.fake, "a", "1", "x");
    f.fake.fail_next("HEAD", "/manifests/1", {.status = status});
    CHECK(*f.client().head(f.reference("a:1")) == oci::Digest::of(bytes));
  }
}

TEST_CASE("a blob is streamed and verified; the error of a wrong one names both digests") {
  RegistryFixture f;
  std::string bytes = pattern(300'000);
  auto blob = describe(bytes);
  f.fake.put_blob("a", bytes);
  auto client = f.client();
  std::string got;
  CHECK(client.fetch_blob(f.reference("a"), blob, into(got)).ok());
  CHECK(got == bytes);

  std::string wrong = bytes;
  wrong[1234] ^= 1;
  f.fake.fail_next("GET", "/blobs/", {.status = 200, .body = wrong});
  auto result = client.fetch_blob(f.reference("a"), blob, into(got));
  CHECK(result.error().kind == ErrorKind::InvalidInput);
  CHECK(result.error().message.find(blob.digest.to_string()) != std::string::npos);
  CHECK(result.error().message.find(oci::Digest::of(wrong).to_string()) != std::string::npos);
}

TEST_CASE("attack: a blob larger than its descriptor never reaches the sink beyond it") {
  RegistryFixture f;
  std::string bytes = pattern(100'000);
  auto blob = describe(bytes);
  f.fake.fail_next("GET", "/blobs/", {.status = 200, .body = bytes + pattern(1'000'000)}, 9);
  std::string got;
  auto result = f.client().fetch_blob(f.reference("a"), blob, into(got));
  CHECK(result.error().kind == ErrorKind::InvalidInput);
  CHECK(result.error().message.find("more than the 100000 bytes") != std::string::npos);
  CHECK(got.size() <= bytes.size());
  CHECK(f.fake.count("GET", "/blobs/") == 1);
}

TEST_CASE("a download that is cut goes on where it was") {
  for (bool range_requests : {true, false}) {
    CAPTURE(range_requests);
    RegistryFixture f({.range_requests = range_requests});
    std::string bytes = pattern(3'000'000);
    f.fake.put_blob("a", bytes);
    // Half of what is left each time, as long as the fake can: then the rest.
    f.fake.fail_next("GET", "/blobs/", {.status = 200, .body = bytes, .fault = Fault::CutBody});
    std::string got;
    auto result = f.client().fetch_blob(f.reference("a"), describe(bytes), into(got));
    CAPTURE(result ? "" : result.error().message);
    CHECK(result.ok());
    CHECK(got == bytes);
    CHECK(f.fake.count("GET", "/blobs/") == 2);
  }
}

TEST_CASE("a download that is cut again and again ends as Transient") {
  RegistryFixture f;
  std::string bytes = pattern(100'000);
  f.fake.put_blob("a", bytes);
  f.fake.fail_next("GET", "/blobs/", {.status = 200, .body = bytes, .fault = Fault::CutBody}, 1000);
  std::string got;
  auto result = f.client().fetch_blob(f.reference("a"), describe(bytes), into(got));
  CHECK(result.error().kind == ErrorKind::Transient);
  CHECK(f.fake.count("GET", "/blobs/") == 6);
}

TEST_CASE("a body that ends early although the length said so goes on, too") {
  RegistryFixture f;
  std::string bytes = pattern(50'000);
  f.fake.put_blob("a", bytes);
  f.fake.fail_next("GET", "/blobs/", {.status = 200, .body = bytes.substr(0, 20'000)});
  std::string got;
  CHECK(f.client().fetch_blob(f.reference("a"), describe(bytes), into(got)).ok());
  CHECK(got == bytes);
}

TEST_CASE("attack: an answer to another range than asked for is refused") {
  RegistryFixture f;
  std::string bytes = pattern(200'000);
  f.fake.fail_next("GET", "/blobs/", {.status = 200, .body = bytes, .fault = Fault::CutBody});
  f.fake.fail_next("GET", "/blobs/",
                   {.status = 206,
                    .headers = {{"Content-Range", "bytes 150000-199999/200000"}},
                    .body = bytes.substr(150'000)},
                   9);
  std::string got;
  auto result = f.client().fetch_blob(f.reference("a"), describe(bytes), into(got));
  CHECK(result.error().message.find("another range") != std::string::npos);
}

TEST_CASE("the sink's error ends the download and is the result") {
  RegistryFixture f;
  std::string bytes = pattern(500'000);
  f.fake.put_blob("a", bytes);
  auto result = f.client().fetch_blob(
      f.reference("a"), describe(bytes),
      [](std::string_view) -> Result<void> { return fail(ErrorKind::Transient, "disk full"); });
  CHECK(result.error().message.find("disk full") != std::string::npos);
  CHECK(f.fake.count("GET", "/blobs/") == 1);
}

TEST_CASE("attack: credentials do not follow a redirect to another host") {
  RegistryFixture f({.auth = FakeRegistryOptions::Auth::Token, .redirect_blobs = true});
  std::string bytes = pattern(200'000);
  f.fake.put_blob("a", bytes);
  auto client = f.client(f.options(RegistryFixture::kGoodAuth));
  std::string got;
  CHECK(client.fetch_blob(f.reference("a"), describe(bytes), into(got)).ok());
  CHECK(got == bytes);
  CHECK(f.fake.leaked_credentials() == 0);
}

TEST_CASE("a redirect that never ends is an error") {
  RegistryFixture f;
  f.fake.intercept([](const ServerRequest& request) -> std::optional<ServerResponse> {
    if (request.path == "/v2/") return std::nullopt;
    return ServerResponse{.status = 307, .headers = {{"Location", request.path}}};
  });
  auto result = f.client().resolve(f.reference("a:1"), kAmd64);
  CHECK(result.error().message.find("redirected more than 10 times") != std::string::npos);
  CHECK(f.fake.count("GET", "/manifests/") == 11);
}

TEST_CASE("a registry in trouble is asked again; Retry-After is obeyed") {
  RegistryFixture f;
  store_image(f.fake, "a", "1", "x");
  f.fake.fail_next("GET", "/manifests/", {.status = 429, .headers = {{"Retry-After", "3"}}});
  f.fake.fail_next("GET", "/manifests/", {.status = 503});
  CHECK(f.client().resolve(f.reference("a:1"), kAmd64).ok());
  CHECK(f.waits == std::vector<Duration>{Duration(3000), Duration(2)});

  // Whether the transport repeats a reset request on a fresh connection itself is its affair.
  f.fake.fail_next("GET", "/manifests/", {.fault = Fault::ResetBeforeResponse}, 2);
  CHECK(f.client().resolve(f.reference("a:1"), kAmd64).ok());

  f.fake.fail_next("GET", "/manifests/", {.status = 500}, 100);
  CHECK(f.client().resolve(f.reference("a:1"), kAmd64).error().kind == ErrorKind::Transient);
}

TEST_CASE("mirrors are asked first, and the registry when they fail") {
  RegistryFixture origin, mirror;
  std::string bytes = store_image(mirror.fake, "hub/a", "1", pattern(100'000));
  store_image(origin.fake, "a", "1", pattern(100'000));
  auto options = origin.options();
  options.mirrors = {{.host = origin.fake.host(), .url = mirror.fake.origin() + "/hub"}};
  auto client = origin.client(options);
  CHECK(client.resolve(origin.reference("a:1"), kAmd64)->raw == bytes);
  CHECK(origin.fake.count("GET", "/manifests/") == 0);

  // The mirror breaks off in the middle of a blob: the registry gives the rest.
  mirror.fake.fail_next("GET", "/blobs/",
                        {.status = 200, .body = pattern(100'000), .fault = Fault::CutBody});
  mirror.fake.fail_next("GET", "/blobs/", {.status = 403}, 10);
  std::string got;
  auto fetched = client.fetch_blob(origin.reference("a"), describe(pattern(100'000)), into(got));
  CAPTURE(fetched ? "" : fetched.error().message);
  CHECK(fetched.ok());
  CHECK(got == pattern(100'000));
  CHECK(origin.fake.count("GET", "/blobs/") == 1);

  // Pushes never go to a mirror.
  CHECK(client
            .upload_blob(origin.reference("new"), oci::Digest::of("x"),
                         registry::BlobSource::from_bytes("x"))
            .ok());
  CHECK(mirror.fake.count("POST", "") == 0);

  auto missing = client.resolve(origin.reference("none:1"), kAmd64);
  CHECK(missing.error().kind == ErrorKind::NotFound);
  CHECK(missing.error().message.find("mirror " + mirror.fake.host() + ": 404") !=
        std::string::npos);
}

TEST_CASE("attack: an error page from a registry cannot forge log lines or fill memory") {
  RegistryFixture f;
  f.fake.fail_next("GET", "/manifests/",
                   {.status = 403,
                    .body = R"({"errors":[{"code":"DENIED\u000a2026 INFO all good","message":")" +
                            std::string(100'000, 'x') + R"("}]})"});
  auto result = f.client().resolve(f.reference("a:1"), kAmd64);
  CHECK(result.error().kind == ErrorKind::Denied);
  CHECK(result.error().message.find('\n') == std::string::npos);
  CHECK(result.error().message.size() < 600);

  f.fake.fail_next("GET", "/manifests/", {.status = 200, .body = std::string(5 << 20, 'x')});
  CHECK_FALSE(f.client().resolve(f.reference("a:1"), kAmd64).ok());
}
