// diff and build against a fake registry and a fake API server.
#include <stdlib.h>

#include <filesystem>

#include "builder/context/context.h"
#include "builder/layer/compression.h"
#include "common/base/unique_fd.h"
#include "plugin/commands.h"
#include "plugin/diff.h"
#include "plugin/registry_access.h"
#include "tests/support/archives.h"
#include "tests/support/fake_api/fake_api.h"
#include "tests/support/fake_registry/fake_registry.h"
#include "tests/unit/plugin/objects.h"

using namespace imagebuild;
using namespace imagebuild::plugin;
using namespace imagebuild::plugin::testing;
using imagebuild::testing::Entries;
using imagebuild::testing::FakeApi;
using imagebuild::testing::FakeRegistry;
using imagebuild::testing::FakeRegistryOptions;
namespace fs = std::filesystem;

namespace {

std::string gzip(const std::string& bytes) {
  std::string out;
  GzipCompressor compressor(
      [&](std::string_view part) -> Result<void> {
        out += part;
        return {};
      },
      {});
  REQUIRE(compressor.write(bytes).ok());
  REQUIRE(compressor.finish().ok());
  return out;
}

std::string text_of(std::size_t size) {
  std::string text;
  std::uint64_t state = 88172645463325252ull;
  while (text.size() < size) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    text += static_cast<char>(state);
  }
  return text;
}

struct Layer {
  std::string created_by;
  Entries entries;
};

/// Pushes an image and returns its digest.
oci::Digest put_image(FakeRegistry& registry, const std::vector<Layer>& layers) {
  oci::ImageConfig config{.architecture = "amd64", .os = "linux"};
  oci::Manifest manifest;
  for (const Layer& layer : layers) {
    const std::string tar = imagebuild::testing::write_tar(layer.entries), blob = gzip(tar);
    config.history.push_back({.created_by = layer.created_by});
    config.diff_ids.push_back(oci::DiffId::of(tar));
    manifest.layers.push_back({.media_type = std::string(oci::media_type::kLayerGzip),
                               .digest = registry.put_blob("web", blob),
                               .size = blob.size()});
  }
  const std::string text = config.serialise();
  manifest.config = {.media_type = std::string(oci::media_type::kConfig),
                     .digest = registry.put_blob("web", text),
                     .size = text.size()};
  return registry.put_manifest("web", "", manifest.serialise(),
                               std::string(oci::media_type::kManifest));
}

struct Fixture {
  explicit Fixture(FakeRegistryOptions options = {}) : registry(options) {
    std::string name = "/tmp/plugin-registry-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    home = name;
    // The credentials of this test and not of whoever runs it.
    ::setenv("REGISTRY_AUTH_FILE", (home + "/auth.json").c_str(), 1);
    log_in("{}");
  }
  ~Fixture() { fs::remove_all(home); }

  void log_in(const std::string& auths) {
    REQUIRE(write_file_atomically(home + "/auth.json", "{\"auths\":" + auths + "}").ok());
  }
  void write(const std::string& name, const std::string& text) {
    fs::create_directories(fs::path(home + "/app/" + name).parent_path());
    REQUIRE(write_file_atomically(home + "/app/" + name, text).ok());
  }

  FakeRegistry registry;
  FakeApi api;
  std::string home, out, note;
  Session session{.client = kube::Client::make(api.config()),
                  .config = api.config(),
                  .name_space = "shop",
                  .console = {.out = [this](std::string_view text) { out += text; },
                              .note = [this](std::string_view text) { note += text; }},
                  .poll = Duration(5)};
  /// The registry as pods name it, and how this machine reaches it.
  RegistryFlags reach() { return {.mirrors = {"registry.in:5000=" + registry.origin()}}; }
};

/// An ImageBuild with two builds in its history, the second the present image.
Json object_of(const oci::Digest& before, const oci::Digest& after, const std::string& line_of) {
  Json object = grown();
  object["spec"]["image"] = "registry.in:5000/web";
  Json& status = object["status"];
  status["image"]["ref"] = "registry.in:5000/web@" + after.to_string();
  status["image"]["digest"] = after.to_string();
  status["image"]["platforms"][0]["layers"] =
      Json::array({{{"digest", line_of}, {"line", 14}, {"origin", "own"}}});
  status["history"][0]["digest"] = after.to_string();
  status["history"][2]["digest"] = before.to_string();
  return object;
}

const Layer kBase{"/bin/sh -c #(nop) ADD file:1 in / ", {{{.path = "bin/sh"}, "sh"}}};

}  // namespace

TEST_CASE_METHOD(Fixture, "diff names the layer, the line and the paths that grew") {
  const auto before = put_image(
      registry, {kBase,
                 {"RUN pip install",
                  {{{.path = "lib/a"}, text_of(1000)}, {{.path = "lib/old"}, text_of(500)}}},
                 {"COPY gone /", {{{.path = "gone"}, "x"}}}});
  const Layer grew{"RUN pip install",
                   {{{.path = "lib/a"}, text_of(1000)},
                    {{.path = "lib/torch/x"}, text_of(200'000)},
                    {{.path = "lib/torch/y"}, text_of(100'000)}}};
  const Layer cleans{"RUN rm", {{{.path = "lib/torch/.wh.y"}, ""}, {{.path = "bin/.wh.sh"}, ""}}};
  const auto after = put_image(registry, {kBase, grew, cleans});
  api.put(kube::kImageBuilds,
          object_of(before, after,
                    oci::Digest::of(gzip(imagebuild::testing::write_tar(grew.entries))).hex12()));

  SECTION("as text") {
    auto status = diff_command(session, {.name = "web", .registry = reach()});
    INFO((status.ok() ? "" : status.error().message));
    REQUIRE(status.ok());
    CAPTURE(out);
    CHECK(out.find("build 10, " + before.hex12()) != std::string::npos);
    CHECK(out.find("build 12, " + after.hex12()) != std::string::npos);
    CHECK(out.find("14 changed") != std::string::npos);
    CHECK(out.find("   - added            -") != std::string::npos);
    CHECK(out.find("removed") != std::string::npos);
    CHECK(out.find("1 layer is the same") != std::string::npos);
    CHECK(out.find("+195.3 KiB   14 added         1  /lib/torch/x") != std::string::npos);
    CHECK(out.find("+97.7 KiB   14 hidden        1  /lib/torch/y") != std::string::npos);
    CHECK(out.find("also removes /bin/sh of layers that both have") != std::string::npos);
  }
  SECTION("as JSON, between builds that are named") {
    auto status = diff_command(session, {.name = "web",
                                         .old_image = after.hex12(),
                                         .new_image = "10",
                                         .registry = reach(),
                                         .format = Format::Json});
    REQUIRE(status.ok());
    auto diff = parse_json(out);
    REQUIRE(diff.ok());
    CHECK((*diff)["new"]["build"] == 10);
    CHECK((*diff)["deltaBytes"].get<int>() < 0);
    CHECK((*diff)["paths"][0]["path"] == "/lib/torch/x");
    CHECK((*diff)["paths"][0]["change"] == "removed");
    CHECK((*diff)["visibleDeltaBytes"] == -200'000 + 500 + 1);
  }
  SECTION("the layers alone: no layer is downloaded") {
    REQUIRE(diff_command(session, {.name = "web", .layers_only = true, .registry = reach()}).ok());
    CHECK(out.find("Paths") == std::string::npos);
    CHECK(registry.count("GET", "/blobs/") == 2);  // the configs
  }
  SECTION("the layers that both have are not downloaded") {
    REQUIRE(diff_command(session, {.name = "web", .registry = reach()}).ok());
    CHECK(registry.count("GET", "/blobs/") == 2 + 4);
  }
}

TEST_CASE("layers are paired by digest, by instruction and by place, in their order") {
  const auto layer = [](const std::string& name, const std::string& created_by) {
    return LayerInfo{.blob = {.digest = oci::Digest::of(name), .size = 1},
                     .created_by = created_by};
  };
  const ImageInfo before{.layers = {layer("base", "ADD"), layer("1", "COPY a /"),
                                    layer("2", "RUN one"), layer("3", "")}};
  ImageInfo after{.layers = {layer("base", "ADD"), layer("4", "RUN one"), layer("5", "RUN two"),
                             layer("6", "")}};
  const auto kinds = [&] {
    std::string text;
    for (const LayerChange& change : pair_layers(before, after, {}))
      text += (change.before ? std::to_string(*change.before) : "-") + ">" +
              (change.after ? std::to_string(*change.after) : "-") + " ";
    return text;
  };
  CHECK(kinds() == "0>0 2>1 ->2 3>3 1>- ");
  after.layers[1].created_by = "COPY b /";
  CHECK(kinds() == "0>0 1>1 2>2 3>3 ");
  after.layers.push_back(layer("7", "CMD"));
  // No places now: a similar instruction is still the same step, a layer without one is not.
  CHECK(kinds() == "0>0 1>1 ->2 ->3 ->4 2>- 3>- ");
}

TEST_CASE_METHOD(Fixture, "diff without anything to compare with says what there is") {
  const auto only = put_image(registry, {kBase});
  api.put(kube::kImageBuilds, object_of(only, only, "x"));
  auto none = diff_command(session, {.name = "web", .registry = reach()});
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().message.find("no earlier image of web") != std::string::npos);
  auto unknown = diff_command(session, {.name = "web", .old_image = "11", .registry = reach()});
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().message.find("the history has 12 (sha256:") != std::string::npos);
  auto forgotten =
      diff_command(session, {.name = "web", .old_image = kOlderDigest, .registry = reach()});
  REQUIRE_FALSE(forgotten.ok());
  CHECK(forgotten.error().message.find("the registry has no") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a layer that is cut or damaged is an error and never a wrong number") {
  const auto before = put_image(registry, {kBase});
  const auto after = put_image(registry, {kBase, {"RUN x", {{{.path = "a"}, text_of(300'000)}}}});
  api.put(kube::kImageBuilds, object_of(before, after, "x"));
  const std::string garbage = "no archive at all, but its digest is right";
  oci::Manifest manifest = *oci::Manifest::parse(*registry.manifest("web", after.to_string()));
  manifest.layers[1].digest = registry.put_blob("web", garbage);
  manifest.layers[1].size = garbage.size();
  const auto damaged = registry.put_manifest("web", "", manifest.serialise(),
                                             std::string(oci::media_type::kManifest));
  auto status = diff_command(session, {.name = "web",
                                       .old_image = before.to_string(),
                                       .new_image = damaged.to_string(),
                                       .registry = reach()});
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().message.find("layer " + manifest.layers[1].digest.to_string()) == 0);
  CHECK(out.empty());
}

TEST_CASE_METHOD(Fixture, "build puts a small context into the object") {
  write("Dockerfile", "FROM scratch\nCOPY a /\n");
  write("a", "hello\n");
  const BuildFlags flags{.directory = home + "/app",
                         .image = "registry.in:5000/acme/my_app:1",
                         .build_args = {"V=1", "E="},
                         .tags = {"stable"},
                         .secrets = {"push"}};
  REQUIRE(*build_command(session, flags) == kDone);
  const Json made = api.get(kube::kImageBuilds, {"shop", "my-app"});
  CHECK(made["spec"]["source"]["inline"]["files"]["a"] == "hello\n");
  CHECK(made["spec"]["args"][0] == Json{{"name", "V"}, {"value", "1"}});
  CHECK(made["spec"]["registries"]["secretRefs"][0]["name"] == "push");
  CHECK(registry.requests().empty());
}

TEST_CASE_METHOD(Fixture, "a second build replaces the files and keeps what others configured") {
  write("Dockerfile", "FROM scratch\n");
  write("a", "1");
  const BuildFlags flags{.directory = home + "/app", .image = "registry.in:5000/web"};
  REQUIRE(*build_command(session, flags) == kDone);
  api.change(kube::kImageBuilds, {"shop", "web"},
             {{"spec", {{"budget", {{"size", "1Gi"}}}, {"target", "old"}}}});
  fs::remove(home + "/app/a");
  write("b", "2");
  REQUIRE(*build_command(session, flags) == kDone);
  const Json made = api.get(kube::kImageBuilds, {"shop", "web"});
  CHECK(made["spec"]["source"]["inline"]["files"] ==
        Json{{"Dockerfile", "FROM scratch\n"}, {"b", "2"}});
  CHECK(made["spec"]["budget"]["size"] == "1Gi");
  CHECK_FALSE(made["spec"].contains("target"));
  note.clear();
  REQUIRE(*build_command(session, flags) == kDone);
  CHECK(note.find("imagebuild/web unchanged") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "build does not take over an ImageBuild that builds from git") {
  write("Dockerfile", "FROM scratch\n");
  api.put(kube::kImageBuilds, grown());
  auto status =
      build_command(session, {.directory = home + "/app", .image = "registry.in:5000/web"});
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().message.find("--name") != std::string::npos);
}

TEST_CASE("build pushes a larger context with the user's own credentials") {
  Fixture fixture({.auth = FakeRegistryOptions::Auth::Token});
  fixture.log_in("{\"" + fixture.registry.host() +
                 "\":{\"username\":\"robot\",\"password\":\"s3cret\"}}");
  fixture.write("Dockerfile", "FROM scratch\n");
  fixture.write("big", text_of(300'000));
  const BuildFlags flags{.directory = fixture.home + "/app",
                         .image = "registry.in:5000/web:1",
                         .registry = fixture.reach()};
  auto status = build_command(fixture.session, flags);
  INFO((status.ok() ? "" : status.error().message));
  REQUIRE(status.ok());
  const Json made = fixture.api.get(kube::kImageBuilds, {"shop", "web"});
  const std::string ref = made["spec"]["source"]["oci"]["ref"];
  REQUIRE(ref.starts_with("registry.in:5000/web@sha256:"));
  const std::string digest = ref.substr(ref.find('@') + 1);
  const auto text = fixture.registry.manifest("web", "context-" + digest.substr(7, 12));
  REQUIRE(text);
  const auto manifest = oci::Manifest::parse(*text);
  REQUIRE(manifest.ok());
  CHECK(manifest->artifact_type == "application/vnd.imagebuild.context.v1");
  REQUIRE(manifest->layers.size() == 1);
  const auto blob = fixture.registry.blob("web", manifest->layers[0].digest);
  REQUIRE(blob);
  CHECK(blob->size() == manifest->layers[0].size);

  // What the builder makes of it.
  auto access = RegistryAccess::make(fixture.reach());
  REQUIRE(access.ok());
  auto unpacked = context::pull_oci(
      access->client(),
      {.ref = access->reachable(*oci::Reference::parse(ref)).to_string(),
       .temporary_directory = fixture.home,
       .decompress = [](ByteSource bytes) { return open_decompressor(bytes, 1u << 20); }});
  INFO((unpacked.ok() ? "" : unpacked.error().message));
  REQUIRE(unpacked.ok());
  CHECK(unpacked->dockerfile().text == "FROM scratch\n");
  CHECK(*read_file(unpacked->path() + "/big") == text_of(300'000));

  // The same files again: nothing is sent, and nothing is built.
  const int uploads = fixture.registry.count("PUT", "/blobs/");
  fixture.note.clear();
  REQUIRE(build_command(fixture.session, flags).ok());
  CHECK(fixture.registry.count("PUT", "/blobs/") == uploads);
  CHECK(fixture.note.find("has this context already") != std::string::npos);
  CHECK(fixture.note.find("imagebuild/web unchanged") != std::string::npos);
}

TEST_CASE("an upload that the registry refuses creates nothing") {
  Fixture fixture({.auth = FakeRegistryOptions::Auth::Basic});
  fixture.write("Dockerfile", "FROM scratch\n");
  fixture.write("big", text_of(300'000));
  auto status = build_command(fixture.session, {.directory = fixture.home + "/app",
                                                .image = "registry.in:5000/web:1",
                                                .registry = fixture.reach()});
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().kind == ErrorKind::Denied);
  CHECK(fixture.api.all(kube::kImageBuilds).empty());
}
