#include "common/oci/platform.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::oci;

TEST_CASE("every spelling of a platform becomes one") {
  struct Row {
    const char *text, *normal;
  };
  const Row rows[] = {
      {"linux/amd64", "linux/amd64"},       {"linux/x86_64", "linux/amd64"},
      {"Linux/AMD64", "linux/amd64"},       {"linux/amd64/v1", "linux/amd64"},
      {"linux/amd64/v3", "linux/amd64/v3"}, {"linux/arm64", "linux/arm64"},
      {"linux/arm64/v8", "linux/arm64"},    {"linux/arm64/8", "linux/arm64"},
      {"linux/aarch64", "linux/arm64"},     {"linux/arm", "linux/arm/v7"},
      {"linux/arm/7", "linux/arm/v7"},      {"linux/arm/v6", "linux/arm/v6"},
      {"linux/armhf", "linux/arm/v7"},      {"linux/armel", "linux/arm/v6"},
      {"linux/i386", "linux/386"},          {"linux/ppc64le", "linux/ppc64le"},
      {"windows/amd64", "windows/amd64"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    auto platform = Platform::parse(row.text);
    REQUIRE(platform.ok());
    CHECK(platform->to_string() == row.normal);
  }
}

TEST_CASE("what is no platform is refused") {
  for (const char* text : {"", "linux", "linux/", "/amd64", "linux//v7", "linux/arm/v7/x",
                           "linux/amd 64", "linux/amd64\n", "a/b/../c"}) {
    CAPTURE(text);
    CHECK_FALSE(Platform::parse(text).ok());
  }
}

TEST_CASE("an older variant serves a newer one, never the other way") {
  struct Row {
    const char *wanted, *candidate;
    std::optional<int> rank;
  };
  const Row rows[] = {
      {"linux/arm64", "linux/arm64/v8", 0},
      {"linux/amd64", "linux/amd64", 0},
      {"linux/arm", "linux/arm/v6", 10},
      {"linux/arm/v6", "linux/arm/v7", std::nullopt},
      {"linux/amd64/v3", "linux/amd64", 20},
      {"linux/amd64", "linux/amd64/v2", std::nullopt},
      {"linux/amd64", "linux/arm64", std::nullopt},
      {"linux/amd64", "windows/amd64", std::nullopt},
      {"linux/amd64", "unknown/unknown", std::nullopt},
      {"linux/arm64", "linux/arm/v7", std::nullopt},
  };
  for (const auto& row : rows) {
    CAPTURE(row.wanted, row.candidate);
    CHECK(match_rank(*Platform::parse(row.wanted), *Platform::parse(row.candidate)) == row.rank);
  }
}

TEST_CASE("this machine has a platform") {
  CHECK(Platform::host().os == "linux");
  CHECK_FALSE(Platform::host().architecture.empty());
}
