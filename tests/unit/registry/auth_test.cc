#include <thread>

#include "tests/unit/registry/fixture.h"

using namespace imagebuild;
using namespace imagebuild::testing;

namespace {

using Auth = FakeRegistryOptions::Auth;
const oci::Platform kAmd64 = *oci::Platform::parse("linux/amd64");

bool mentions_secret(const std::string& message) {
  return message.find("s3cret") != std::string::npos ||
         message.find("wrong") != std::string::npos || message.find("token-") != std::string::npos;
}

}  // namespace

TEST_CASE("a token is got once per repository and action, and used from then on") {
  RegistryFixture f({.auth = Auth::Token});
  store_image(f.fake, "a", "1", "x");
  store_image(f.fake, "b", "1", "x");
  auto client = f.client(f.options(RegistryFixture::kGoodAuth));
  for (int i = 0; i < 3; ++i) CHECK(client.resolve(f.reference("a:1"), kAmd64).ok());
  CHECK(f.fake.count("GET", "/token") == 1);
  CHECK(f.fake.count("GET", "/manifests/") == 4);  // one without a token
  CHECK(client.resolve(f.reference("b:1"), kAmd64).ok());
  CHECK(f.fake.count("GET", "/token") == 2);
  CHECK(f.fake.count("GET", "/manifests/") == 5);
}

TEST_CASE("a token that runs out is renewed before it is refused") {
  RegistryFixture f({.auth = Auth::Token, .token_seconds = 100});
  store_image(f.fake, "a", "1", "x");
  auto client = f.client(f.options(RegistryFixture::kGoodAuth));
  CHECK(client.resolve(f.reference("a:1"), kAmd64).ok());
  f.clock.advance(std::chrono::seconds(89));
  CHECK(client.resolve(f.reference("a:1"), kAmd64).ok());
  CHECK(f.fake.count("GET", "/token") == 1);
  f.clock.advance(std::chrono::seconds(2));
  CHECK(client.resolve(f.reference("a:1"), kAmd64).ok());
  CHECK(f.fake.count("GET", "/token") == 2);
  CHECK(f.fake.count("GET", "/manifests/") == 4);
}

TEST_CASE("a 401 in the middle gets a new token, once") {
  RegistryFixture f({.auth = Auth::Token});
  store_image(f.fake, "a", "1", "x");
  auto client = f.client(f.options(RegistryFixture::kGoodAuth));
  CHECK(client.resolve(f.reference("a:1"), kAmd64).ok());
  f.fake.revoke_tokens();
  CHECK(client.resolve(f.reference("a:1"), kAmd64).ok());
  CHECK(f.fake.count("GET", "/token") == 2);

  f.fake.fail_next(
      "GET", "/manifests/",
      {.status = 401,
       .headers = {{"WWW-Authenticate", "Bearer realm=\"" + f.fake.origin() + "/token\""}}},
      100);
  auto refused = client.resolve(f.reference("a:1"), kAmd64);
  CHECK(refused.error().kind == ErrorKind::Denied);
  CHECK(f.fake.count("GET", "/token") == 3);
}

TEST_CASE("public images need no credentials") {
  RegistryFixture f({.auth = Auth::Token, .anonymous_pull = true});
  store_image(f.fake, "a", "1", "x");
  CHECK(f.client().resolve(f.reference("a:1"), kAmd64).ok());
  auto push = f.client().upload_blob(f.reference("a"), oci::Digest::of("x"),
                                     registry::BlobSource::from_bytes("x"));
  CHECK(push.error().kind == ErrorKind::Denied);
  CHECK(push.error().message.find("no credentials configured") != std::string::npos);
}

TEST_CASE("an identity token is exchanged by POST, and never sent to the registry") {
  RegistryFixture f({.auth = Auth::Token, .identity_token = "refresh me"});
  store_image(f.fake, "a", "1", "x");
  auto client = f.client(f.options(R"({"identitytoken":"refresh me"})"));
  CHECK(client.resolve(f.reference("a:1"), kAmd64).ok());
  CHECK(f.fake.count("POST", "/token") == 1);
  CHECK(f.fake.count("GET", "/token") == 0);
  for (const auto& request : f.fake.requests())
    CHECK(request.authorization.find("refresh") == std::string::npos);
}

TEST_CASE("Basic registries get the password after they asked") {
  RegistryFixture f({.auth = Auth::Basic});
  store_image(f.fake, "a", "1", "x");
  auto client = f.client(f.options(RegistryFixture::kGoodAuth));
  CHECK(client.resolve(f.reference("a:1"), kAmd64).ok());
  CHECK(client.resolve(f.reference("a:1"), kAmd64).ok());
  CHECK(f.fake.count("GET", "/manifests/") == 3);
  CHECK(f.fake.requests().front().authorization.empty());
}

TEST_CASE("refused credentials are Denied, asked with once, and never in the message") {
  for (Auth auth : {Auth::Basic, Auth::Token}) {
    RegistryFixture f({.auth = auth});
    store_image(f.fake, "a", "1", "x");
    auto client = f.client(f.options(R"({"username":"robot","password":"wrong"})"));
    auto result = client.resolve(f.reference("a:1"), kAmd64);
    CHECK(result.error().kind == ErrorKind::Denied);
    CAPTURE(result.error().message);
    CHECK(result.error().message.find("401 unauthorized: UNAUTHORIZED") != std::string::npos);
    CHECK_FALSE(mentions_secret(result.error().message));
    CHECK(f.waits.empty());
  }
}

TEST_CASE("a configured credential helper is named when credentials are missing") {
  RegistryFixture f({.auth = Auth::Token});
  auto options = f.options();
  options.credentials = *registry::parse_docker_config(R"({"credsStore":"desktop"})");
  auto result = f.client(options).resolve(f.reference("a:1"), kAmd64);
  CHECK(result.error().message.find("credential helper 'desktop' is not supported") !=
        std::string::npos);
}

TEST_CASE("attack: a registry names a token server at a metadata address") {
  RegistryFixture f;
  f.fake.fail_next(
      "GET", "/manifests/",
      {.status = 401,
       .headers = {{"WWW-Authenticate", "Bearer realm=\"http://169.254.169.254/token\""}}});
  auto result = f.client(f.options(RegistryFixture::kGoodAuth)).resolve(f.reference("a:1"), kAmd64);
  CHECK(result.error().kind == ErrorKind::Denied);
  CHECK(result.error().message.find("link-local") != std::string::npos);
}

TEST_CASE("attack: a token server answers with a token that would inject a header") {
  RegistryFixture f({.auth = Auth::Token});
  store_image(f.fake, "a", "1", "x");
  f.fake.fail_next("GET", "/token", {.status = 200, .body = R"({"token":"x\r\nX-Evil: 1"})"});
  auto result = f.client(f.options(RegistryFixture::kGoodAuth)).resolve(f.reference("a:1"), kAmd64);
  CHECK(result.error().message.find("no usable token") != std::string::npos);
}

TEST_CASE("attack: a token server that redirects gets no second chance with the password") {
  RegistryFixture f({.auth = Auth::Token});
  store_image(f.fake, "a", "1", "x");
  f.fake.fail_next(
      "GET", "/token",
      {.status = 307, .headers = {{"Location", "http://" + f.fake.blob_host() + "/steal"}}});
  auto result = f.client(f.options(RegistryFixture::kGoodAuth)).resolve(f.reference("a:1"), kAmd64);
  CHECK_FALSE(result.ok());
  CHECK(f.fake.leaked_credentials() == 0);
  CHECK(f.fake.count("GET", "/steal") == 0);
}

TEST_CASE("many threads share one client") {
  RegistryFixture f({.auth = Auth::Token, .redirect_blobs = true});
  auto client = f.client(f.options(RegistryFixture::kGoodAuth));
  std::vector<std::string> blobs;
  for (int i = 0; i < 8; ++i) blobs.push_back(pattern(200'000 + static_cast<std::size_t>(i)));
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (const auto& blob : blobs) {
    threads.emplace_back([&f, &client, &blob, &good] {
      auto to = f.reference("a");
      std::string back;
      bool pushed =
          client.push_blob(to, oci::Digest::of(blob), registry::BlobSource::from_bytes(blob)).ok();
      if (pushed && client.fetch_blob(to, describe(blob), into(back)).ok() && back == blob) ++good;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(good == 8);
}
