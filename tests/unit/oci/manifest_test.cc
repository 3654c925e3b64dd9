#include "common/oci/manifest.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::oci;

namespace {

const std::string kA = "sha256:" + std::string(64, 'a');
const std::string kB = "sha256:" + std::string(64, 'b');

std::string descriptor(const std::string& type, const std::string& digest,
                       const std::string& size = "7") {
  return R"({"mediaType":")" + type + R"(","digest":")" + digest + R"(","size":)" + size + "}";
}

std::string manifest(const std::string& config, const std::string& layers,
                     const std::string& more = "") {
  return R"({"schemaVersion":2,"config":)" + config + R"(,"layers":[)" + layers + "]" + more + "}";
}

}  // namespace

TEST_CASE("a manifest survives reading and writing byte by byte") {
  std::string text =
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
      R"("config":)" +
      descriptor(std::string(media_type::kConfig), kA) + R"(,"layers":[)" +
      descriptor(std::string(media_type::kLayerGzip), kB, "123456789012") +
      R"(],"annotations":{"a":"b"}})";
  auto parsed = Manifest::parse(text);
  REQUIRE(parsed.ok());
  CHECK(parsed->serialise() == text);
  CHECK(parsed->total_size() == 123456789019);
}

TEST_CASE("Docker's manifest reads like OCI's") {
  std::string text =
      R"({"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":)" +
      descriptor(std::string(media_type::kDockerConfig), kA) + R"(,"layers":[)" +
      descriptor(std::string(media_type::kDockerLayerGzip), kB) + "]}";
  auto parsed = Manifest::parse(text);
  REQUIRE(parsed.ok());
  CHECK(parsed->media_type == media_type::kDockerManifest);
  CHECK(media_type::to_oci(parsed->layers[0].media_type) == media_type::kLayerGzip);
  CHECK(*detect_media_type(text, "") == media_type::kDockerManifest);
}

TEST_CASE("hostile or foreign manifests are refused with the reason") {
  struct Row {
    std::string text, reason;
  };
  std::string config = descriptor("c", kA);
  const Row rows[] = {
      {"", "not JSON"},
      {"[]", "expected an object"},
      {"{}", "schemaVersion"},
      {R"({"schemaVersion":1,"fsLayers":[]})", "schema 1"},
      {R"({"schemaVersion":2})", "config: missing"},
      {manifest(config, "", R"(,"manifests":[])"), "at once"},
      {manifest(config, "{}"), "layers[0]: digest"},
      {manifest(config, descriptor("l", kB) + ",7"), "layers[1]: descriptor: expected an object"},
      {manifest(config, descriptor("l", kB, "-1")), "size"},
      {manifest(config, descriptor("l", kB, "1.5")), "size"},
      {manifest(config, descriptor("l", "sha512:" + std::string(128, 'a'))),
       "unsupported algorithm"},
      {manifest(config, descriptor("l", "sha256:../../etc/passwd")), "64 lower-case hex"},
      {manifest("7", ""), "config: descriptor: expected an object"},
      {manifest(config, "", R"(,"mediaType":"application/vnd.oci.image.index.v1+json")"),
       "no image manifest"},
      {manifest(config, "", R"(,"annotations":{"a":1})"), "annotations"},
      {std::string(kMaxManifestBytes + 1, ' '), "limit of 4.0 MiB"},
      {std::string(100000, '['), "not JSON"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text.substr(0, 300));
    auto parsed = Manifest::parse(row.text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().kind == ErrorKind::InvalidInput);
    CAPTURE(parsed.error().message);
    bool deep = row.text.starts_with("[[");
    CHECK((deep || parsed.error().message.find(row.reason) != std::string::npos));
  }
}

TEST_CASE("an index gives the manifest of the wanted platform") {
  auto entry = [](char hex, const char* platform) {
    Descriptor d{.media_type = std::string(media_type::kManifest),
                 .digest = *Digest::parse("sha256:" + std::string(64, hex)),
                 .size = 1};
    if (platform != nullptr) d.platform = *Platform::parse(platform);
    return d;
  };
  Index index;
  index.manifests = {entry('1', "linux/arm/v6"), entry('2', "linux/arm/v7"),
                     entry('3', "linux/amd64"), entry('4', "unknown/unknown")};
  CHECK(index.choose(*Platform::parse("linux/arm"))->digest.hex12() == "222222222222");
  CHECK(index.choose(*Platform::parse("linux/arm/v6"))->digest.hex12() == "111111111111");
  CHECK(index.choose(*Platform::parse("linux/amd64/v3"))->digest.hex12() == "333333333333");
  auto none = index.choose(*Platform::parse("linux/s390x"));
  CHECK(none.error().kind == ErrorKind::NotFound);
  CHECK(none.error().message ==
        "no image for platform linux/s390x; there is linux/arm/v6, linux/arm/v7, linux/amd64");

  index.manifests = {entry('5', nullptr)};
  CHECK(index.choose(*Platform::parse("linux/s390x"))->digest.hex12() == "555555555555");

  index.manifests = {entry('2', "linux/arm/v7")};
  auto again = Index::parse(index.serialise());
  REQUIRE(again.ok());
  CHECK(again->manifests == index.manifests);
}

TEST_CASE("a document's type is what it says, then its shape; never what only the header says") {
  std::string image = manifest(descriptor("c", kA), "");
  std::string index = R"({"schemaVersion":2,"manifests":[]})";
  CHECK(*detect_media_type(image, "") == media_type::kManifest);
  CHECK(*detect_media_type(index, "text/plain") == media_type::kIndex);
  CHECK(*detect_media_type(index, std::string(media_type::kDockerManifestList) +
                                      "; charset=utf-8") == media_type::kDockerManifestList);
  CHECK_FALSE(detect_media_type(image, media_type::kIndex).ok());
  CHECK_FALSE(detect_media_type(index, media_type::kManifest).ok());
  CHECK_FALSE(detect_media_type(R"({"schemaVersion":2})", "text/html").ok());
}
