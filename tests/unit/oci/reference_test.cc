#include "common/oci/reference.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::oci;

namespace {
const std::string kDigest = "sha256:" + std::string(64, 'a');
}

TEST_CASE("references mean what Docker takes them for") {
  struct Row {
    std::string text, full, familiar;
  };
  const Row rows[] = {
      {"alpine", "docker.io/library/alpine", "alpine"},
      {"alpine:3.10", "docker.io/library/alpine:3.10", "alpine:3.10"},
      {"node@" + kDigest, "docker.io/library/node@" + kDigest, "node@" + kDigest},
      {"node:20@" + kDigest, "docker.io/library/node:20@" + kDigest, "node:20@" + kDigest},
      {"acme/app", "docker.io/acme/app", "acme/app"},
      {"library/node", "docker.io/library/node", "node"},
      {"docker.io/node", "docker.io/library/node", "node"},
      {"index.docker.io/node", "docker.io/library/node", "node"},
      {"index.docker.io/library/node:1", "docker.io/library/node:1", "node:1"},
      {"docker.io/library/a/b", "docker.io/library/a/b", "library/a/b"},
      {"docker.io/a.b/c:1", "docker.io/a.b/c:1", "docker.io/a.b/c:1"},
      {"docker.io/localhost/c", "docker.io/localhost/c", "docker.io/localhost/c"},
      {"docker.io/library/" + std::string(64, 'a'), "docker.io/library/" + std::string(64, 'a'),
       "library/" + std::string(64, 'a')},
      {"localhost/app", "localhost/app", "localhost/app"},
      {"localhost:5000/app:v1", "localhost:5000/app:v1", "localhost:5000/app:v1"},
      {"LOCALHOST/app", "LOCALHOST/app", "LOCALHOST/app"},
      {"ghcr.io/acme/app", "ghcr.io/acme/app", "ghcr.io/acme/app"},
      {"127.0.0.1:5000/a", "127.0.0.1:5000/a", "127.0.0.1:5000/a"},
      {"[::1]:5000/a:t", "[::1]:5000/a:t", "[::1]:5000/a:t"},
      {"host:5000/a", "host:5000/a", "host:5000/a"},
      {"a__b/c---d/e.f", "docker.io/a__b/c---d/e.f", "a__b/c---d/e.f"},
      {"app:5000", "docker.io/library/app:5000", "app:5000"},
      {"app:_T.a-9", "docker.io/library/app:_T.a-9", "app:_T.a-9"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    auto reference = Reference::parse(row.text);
    REQUIRE(reference.ok());
    CHECK(reference->to_string() == row.full);
    CHECK(reference->familiar() == row.familiar);
    CHECK(*Reference::parse(row.full) == *reference);
    CHECK(*Reference::parse(row.familiar) == *reference);
  }
}

TEST_CASE("what is no reference is refused with the reason") {
  struct Row {
    std::string text, reason;
  };
  const Row rows[] = {
      {"", "empty"},
      {"https://ghcr.io/app", "without a scheme"},
      {"Alpine", "lower-case"},
      {"acme/App:1", "lower-case"},
      {"ghcr.io/Acme/app", "lower-case"},
      {std::string(64, 'a'), "image id"},
      {"app:", "no tag"},
      {"app:-x", "no tag"},
      {"app:" + std::string(129, 't'), "no tag"},
      {"app:a b", "no tag"},
      {"app@sha256:abc", "64 lower-case hex"},
      {"app@sha512:" + std::string(128, 'a'), "unsupported algorithm"},
      {"ghcr.io/", "missing"},
      {"ghcr.io/a//b", "bad component"},
      {"/a", "bad component"},
      {"a/", "bad component"},
      {"a/../b", "bad component"},
      {"ghcr.io/../../etc", "bad component"},
      {"a..b", "bad component"},
      {"a___b", "bad component"},
      {"-a/b", "bad component"},
      {"a.b-/c", "no registry host"},
      {"host:port/a", "no registry host"},
      {"host:123456/a", "no registry host"},
      {"[::1/a", "no registry host"},
      {"a\nb", "bad component"},
      {"a?x=y", "bad component"},
      {"ghcr.io/" + std::string(256, 'a'), "255"},
      {std::string(5000, 'a'), "too long"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    auto reference = Reference::parse(row.text);
    REQUIRE_FALSE(reference.ok());
    CHECK(reference.error().kind == ErrorKind::InvalidInput);
    CHECK(reference.error().message.find(row.reason) != std::string::npos);
  }
}

TEST_CASE("a manifest is asked for by digest before tag, and by latest if neither is there") {
  CHECK(Reference::parse("a:1@" + kDigest)->identifier() == kDigest);
  CHECK(Reference::parse("a:1")->identifier() == "1");
  CHECK(Reference::parse("a")->identifier() == "latest");
  CHECK(Reference::parse("a:1")->with_digest(*Digest::parse(kDigest)).to_string() ==
        "docker.io/library/a@" + kDigest);
  CHECK(Reference::parse("a@" + kDigest)->with_tag("2").to_string() == "docker.io/library/a:2");
}
