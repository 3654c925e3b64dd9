#include "common/registry/challenge.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::registry;

namespace {

http::Headers with(std::initializer_list<const char*> values) {
  http::Headers headers;
  for (const char* value : values) headers.add("WWW-Authenticate", value);
  return headers;
}

}  // namespace

TEST_CASE("challenges are read as registries write them") {
  using Scheme = Challenge::Scheme;
  struct Row {
    http::Headers headers;
    Challenge expected;
  };
  const Row rows[] = {
      {with(
           {R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/node:pull")"}),
       {Scheme::Bearer, "https://auth.docker.io/token", "registry.docker.io",
        "repository:library/node:pull"}},
      {with({R"(bearer Realm="https://a/t", Service=plain)"}),
       {Scheme::Bearer, "https://a/t", "plain", ""}},
      {with({R"(Bearer realm="https://a/t",service="x, y=\"z\"",error="invalid_token")"}),
       {Scheme::Bearer, "https://a/t", "x, y=\"z\"", ""}},
      {with({R"(Basic realm="here")"}), {Scheme::Basic, "here", "", ""}},
      {with({R"(Basic realm="here")", R"(Bearer realm="https://a/t")"}),
       {Scheme::Bearer, "https://a/t", "", ""}},
      {with({R"(Basic realm="here", Bearer realm="https://a/t",scope="s:x:pull,push")"}),
       {Scheme::Bearer, "https://a/t", "", "s:x:pull,push"}},
      {with({R"(Negotiate, Basic realm="x")"}), {Scheme::Basic, "x", "", ""}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.headers.fields()[0].second);
    auto challenge = parse_challenge(row.headers);
    REQUIRE(challenge.has_value());
    CHECK(*challenge == row.expected);
  }
}

TEST_CASE("what is no challenge is none") {
  for (const char* text : {"", ",,,", "Negotiate", "Bearer", "Bearer service=\"x\"",
                           "Digest realm=\"x\"", "=\"x\"", "\"", "Bearer realm=\""}) {
    CAPTURE(text);
    CHECK_FALSE(parse_challenge(with({text})).has_value());
  }
  CHECK_FALSE(parse_challenge({}).has_value());
}
