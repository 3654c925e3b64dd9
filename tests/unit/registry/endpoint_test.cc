#include "common/registry/endpoint.h"

#include "tests/support/catch.h"
#include "tests/support/test_server/test_server.h"

using namespace imagebuild;
using namespace imagebuild::registry;

namespace {

// Answers for the origins it knows; nobody listens elsewhere.
class OriginTransport final : public http::Transport {
 public:
  std::vector<std::string> listening;
  std::vector<std::string> asked;
  Result<http::Response> send(const http::Request& request, std::stop_token) override {
    asked.push_back(request.url);
    for (const auto& origin : listening)
      if (request.url.starts_with(origin + "/")) return http::Response{.status = 401};
    return fail(ErrorKind::Transient, "connection refused");
  }
};

struct Fixture {
  OriginTransport verified, unverified;
  Endpoints make(std::vector<Mirror> mirrors, std::vector<std::string> insecure,
                 const std::vector<std::string>& plain = {}) {
    return Endpoints(
        [this](std::string_view, Verification v) -> http::Transport& {
          return v == Verification::Verified ? verified : unverified;
        },
        mirrors, std::move(insecure), plain);
  }
};

}  // namespace

TEST_CASE("a registry is asked over verified https, and Docker Hub at its API host") {
  Fixture f;
  auto endpoints = f.make({}, {});
  CHECK(endpoints.origin("ghcr.io", {}).base == "https://ghcr.io");
  CHECK(endpoints.origin("docker.io", {}).base == "https://registry-1.docker.io");
  CHECK(endpoints.origin("docker.io", {}).registry == "docker.io");
  CHECK(endpoints.origin("localhost:5000", {}).base == "https://localhost:5000");
  CHECK(f.verified.asked.empty());
}

TEST_CASE("a host that is known to be plain is not asked for https") {
  Fixture f;
  auto endpoints = f.make({}, {}, {"127.0.0.1:5000"});
  CHECK(endpoints.origin("127.0.0.1:5000", {}).base == "http://127.0.0.1:5000");
  CHECK(f.verified.asked.empty());
  CHECK(f.unverified.asked.empty());
}

TEST_CASE("http is for listed hosts only, and only when https does not answer") {
  Fixture f;
  f.unverified.listening = {"http://plain.io", "https://self.io:5000", "http://self.io:5000"};
  auto endpoints = f.make({}, {"plain.io", "self.io:5000", "dead.io"});
  CHECK(endpoints.origin("plain.io", {}).base == "http://plain.io");
  CHECK(endpoints.origin("self.io:5000", {}).base == "https://self.io:5000");
  CHECK(endpoints.origin("self.io:5001", {}).base == "https://self.io:5001");
  CHECK(endpoints.origin("dead.io", {}).base == "https://dead.io");
  CHECK(f.verified.asked.empty());
  std::size_t asked = f.unverified.asked.size();
  CHECK(endpoints.origin("plain.io", {}).base == "http://plain.io");
  CHECK(f.unverified.asked.size() == asked);  // remembered
}

TEST_CASE("mirrors come before the registry, with their path in front of the repository") {
  Fixture f;
  std::vector<Mirror> mirrors;
  for (const char* text : {"docker.io=https://harbor.acme.io/v2/hub/",
                           "docker.io=http://10.0.0.1:5000", "ghcr.io=https://m.io/a/b"})
    mirrors.push_back(*Mirror::parse(text));
  auto endpoints = f.make(mirrors, {});
  auto list = endpoints.for_pull("docker.io", {});
  REQUIRE(list.size() == 3);
  auto node = *oci::Reference::parse("node:20");
  CHECK(list[0].url(node, "manifests/20") ==
        "https://harbor.acme.io/v2/hub/library/node/manifests/20");
  CHECK(list[0].registry == "harbor.acme.io");
  CHECK(list[1].url(node, "manifests/20") == "http://10.0.0.1:5000/v2/library/node/manifests/20");
  CHECK(list[2].url(node, "manifests/20") ==
        "https://registry-1.docker.io/v2/library/node/manifests/20");
  CHECK_FALSE(list[2].is_mirror);
  CHECK(endpoints.for_pull("ghcr.io", {})[0].prefix == "a/b/");
  CHECK(endpoints.for_pull("quay.io", {}).size() == 1);
}

TEST_CASE("what is no mirror is refused") {
  for (const char* text : {"", "docker.io", "=https://x", "docker.io=", "docker.io=ftp://x",
                           "docker.io=https://u:p@x", "a b=https://x"}) {
    CAPTURE(text);
    CHECK_FALSE(Mirror::parse(text).ok());
  }
  CHECK(Mirror::parse("index.docker.io=https://x")->host == "docker.io");
}

TEST_CASE("no registry sends its client down to http or to a metadata service") {
  Fixture f;
  auto endpoints = f.make({}, {"plain.io"});
  struct Row {
    const char *from, *to;
    bool allowed;
  };
  const Row rows[] = {
      {"https://a.io", "https://cdn.io/x", true},
      {"https://a.io", "http://cdn.io/x", false},
      {"https://a.io", "http://plain.io/x", true},
      {"http://a.io", "http://b.io/x", true},
      {"https://a.io", "https://169.254.169.254/latest/meta-data", false},
      {"http://a.io", "http://169.254.169.254/latest/meta-data", false},
      {"http://a.io", "http://2852039166/", false},
      {"http://a.io", "http://0xA9FEA9FE/", false},
      {"http://a.io", "http://[fe80::1]/", false},
      {"http://a.io", "http://[::ffff:169.254.169.254]/", false},
      {"http://a.io", "http://127.0.0.1/", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.from, row.to);
    auto moved = endpoints.check_move(*http::parse_url(row.from), *http::parse_url(row.to));
    CHECK(moved.ok() == row.allowed);
  }
}
