// Which variants of a base are asked for, and what is said of those that are there.
#include "builder/advice/slimmer_base.h"

#include "tests/unit/registry/fixture.h"

using namespace imagebuild;
using namespace imagebuild::testing;
using advice::SlimmerBase;

namespace {

const oci::Platform kAmd64 = *oci::Platform::parse("linux/amd64");
using Tags = std::vector<std::string>;

std::vector<std::string> names(const Result<std::vector<SlimmerBase>>& found) {
  REQUIRE(found.ok());
  std::vector<std::string> tags;
  for (const auto& base : *found) tags.push_back(base.reference.tag);
  return tags;
}

}  // namespace

TEST_CASE("variants are named as the official images name them") {
  struct Row {
    const char* tag;
    Tags slim, alpine;
  };
  for (const Row& row : std::vector<Row>{{"latest", {"slim"}, {"alpine"}},
                                         {"22", {"22-slim"}, {"22-alpine"}},
                                         {"bookworm", {"bookworm-slim"}, {"bookworm-alpine"}},
                                         {"3.12-bookworm",
                                          {"3.12-bookworm-slim", "3.12-slim-bookworm", "3.12-slim"},
                                          {"3.12-bookworm-alpine", "3.12-alpine"}},
                                         {"8.3-fpm",
                                          {"8.3-fpm-slim", "8.3-slim-fpm", "8.3-slim"},
                                          {"8.3-fpm-alpine", "8.3-alpine"}},
                                         {"22-slim", {}, {"22-alpine"}},
                                         {"slim", {}, {"alpine"}},
                                         {"22-alpine3.20", {}, {}},
                                         {"alpine", {}, {}},
                                         {"17-distroless", {}, {}},
                                         {"stable-musl", {}, {}}}) {
    CAPTURE(row.tag);
    const auto tags = advice::slimmer_tags(row.tag);
    CHECK(tags.slim == row.slim);
    CHECK(tags.alpine == row.alpine);
  }
}

TEST_CASE("the variants that the registry has are measured, those it lacks cost a HEAD") {
  RegistryFixture f;
  store_image(f.fake, "python", "3.12-bookworm", std::string(4000, 'b'));
  store_image(f.fake, "python", "3.12-slim-bookworm", std::string(1000, 's'));
  store_image(f.fake, "python", "3.12-slim", std::string(1100, 't'));
  store_image(f.fake, "python", "3.12-alpine", std::string(300, 'a'));
  auto client = f.client();
  const auto found =
      advice::find_slimmer_bases(client, f.reference("python:3.12-bookworm"), kAmd64);
  CHECK(names(found) == Tags{"3.12-slim-bookworm", "3.12-alpine"});
  CHECK((*found)[0].size_bytes == 1000);
  CHECK((*found)[1].size_bytes == 300);
  CHECK(f.fake.count("GET", "/manifests/") == 2);
  CHECK(f.fake.count("HEAD", "/manifests/3.12-bookworm-slim") == 1);
}

TEST_CASE("a base without a tag to vary is not asked about") {
  RegistryFixture f;
  store_image(f.fake, "app", "slim", "s");
  auto client = f.client();
  const auto digest = oci::Digest::of("x");
  CHECK(names(advice::find_slimmer_bases(client, f.reference("app@" + digest.to_string()), kAmd64))
            .empty());
  CHECK(f.fake.requests().empty());
  CHECK(names(advice::find_slimmer_bases(client, f.reference("app"), kAmd64)) == Tags{"slim"});
  CHECK(names(advice::find_slimmer_bases(client, f.reference("app:latest@" + digest.to_string()),
                                         kAmd64)) == Tags{"slim"});
}

TEST_CASE("a variant for other platforms only is none") {
  RegistryFixture f;
  const std::string manifest = store_image(f.fake, "app", "", "x");
  auto entry = describe(manifest, oci::media_type::kManifest);
  entry.platform = *oci::Platform::parse("linux/s390x");
  oci::Index index;
  index.manifests = {entry};
  f.fake.put_manifest("app", "slim", index.serialise(), std::string(oci::media_type::kIndex));
  auto client = f.client();
  CHECK(names(advice::find_slimmer_bases(client, f.reference("app:latest"), kAmd64)).empty());
}

TEST_CASE("a tag that cannot be asked for does not keep the others from being found") {
  RegistryFixture f;
  store_image(f.fake, "app", "alpine", "a");
  f.fake.fail_next("HEAD", "/manifests/slim", {.status = 403});
  auto client = f.client();
  CHECK(names(advice::find_slimmer_bases(client, f.reference("app:latest"), kAmd64)) ==
        Tags{"alpine"});
}

TEST_CASE("a registry that refuses is an error, for the caller to ignore") {
  RegistryFixture f;
  f.fake.fail_next("HEAD", "/manifests/slim", {.status = 403});
  auto client = f.client();
  CHECK_FALSE(advice::find_slimmer_bases(client, f.reference("app:latest"), kAmd64).ok());
}

TEST_CASE("only what saves something is advised, with both sizes") {
  const auto node = *oci::Reference::parse("node:22");
  const std::vector<SlimmerBase> slimmer{{node.with_tag("22-slim"), 80u << 20},
                                         {node.with_tag("22-alpine"), 50u << 20}};
  const auto list = advice::advise(node, 380u << 20, 3, slimmer);
  REQUIRE(list.size() == 2);
  CHECK(list[1].line == 3);
  CHECK(list[1].saves_bytes == 300u << 20);
  CHECK(list[1].message ==
        "FROM node:22-slim has 80.0 MiB compressed, node:22 380.0 MiB: 300.0 MiB less, if what it "
        "leaves out is not needed");
  CHECK(list[0].message.ends_with("musl instead of glibc"));
  CHECK(advice::advise(node, 80u << 20, 3, {slimmer.front()}).empty());
  CHECK(advice::advise(node, 10u << 20, 3, slimmer).empty());
}
