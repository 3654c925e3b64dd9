#include "common/registry/credentials.h"

#include <cstdlib>
#include <filesystem>

#include "common/base/unique_fd.h"
#include "common/registry/base64.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::registry;

namespace {

Credentials config(const std::string& auths) {
  auto credentials = parse_docker_config(R"({"auths":{)" + auths + "}}");
  REQUIRE(credentials.ok());
  return *credentials;
}

std::string entry(const std::string& key, const std::string& user) {
  return "\"" + key + R"(":{"username":")" + user + R"(","password":"p"})";
}

}  // namespace

TEST_CASE("base64 goes both ways") {
  for (std::string text : {"", "a", "ab", "abc", "user:pass", "\xff\xfe\x00z"})
    CHECK(decode_base64(encode_base64(text)) == text);
  CHECK(encode_base64("user:pass") == "dXNlcjpwYXNz");
  CHECK_FALSE(decode_base64("a").has_value());
  CHECK_FALSE(decode_base64("ab!=").has_value());
}

TEST_CASE("the longest matching prefix gives the credential") {
  auto credentials =
      config(entry("ghcr.io", "all") + "," + entry("https://ghcr.io/acme", "acme") + "," +
             entry("ghcr.io/acme/app/", "app") + "," + entry("https://index.docker.io/v1/", "hub") +
             "," + entry("*.acme.io", "glob") + "," + entry("exact.acme.io", "exact") + "," +
             entry("host:5000", "port") + "," + entry("https://old.io/v2/", "old"));
  struct Row {
    const char *registry, *repository, *user;
  };
  const Row rows[] = {
      {"ghcr.io", "other/x", "all"},
      {"ghcr.io", "acme/other", "acme"},
      {"ghcr.io", "acme/app", "app"},
      {"ghcr.io", "acme/app/sub", "app"},
      {"ghcr.io", "acme/application", "acme"},
      {"ghcr.io", "acmecorp/x", "all"},
      {"docker.io", "library/node", "hub"},
      {"registry-1.docker.io", "library/node", "hub"},
      {"a.acme.io", "x", "glob"},
      {"exact.acme.io", "x", "exact"},
      {"a.b.acme.io", "x", ""},
      {"acme.io", "x", ""},
      {"host:5000", "x", "port"},
      {"host", "x", ""},
      {"host:5001", "x", ""},
      {"old.io", "x", "old"},
      {"evilghcr.io", "x", ""},
      {"ghcr.io.evil.com", "acme/x", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.registry, row.repository);
    const Credential* found = credentials.find(row.registry, row.repository);
    CHECK((found == nullptr ? "" : found->username) == row.user);
  }
}

TEST_CASE("auth, username and tokens are read") {
  auto credentials =
      config(R"("a.io":{"auth":"dXNlcjpwYTpzcw=="},"b.io":{"auth":"PHRva2VuPjppZA=="},)"
             R"("c.io":{"identitytoken":"id"},"d.io":{"registrytoken":"reg"},"e.io":{})");
  CHECK(*credentials.find("a.io", "x") == Credential{.username = "user", .password = "pa:ss"});
  CHECK(credentials.find("b.io", "x")->identity_token == "id");
  CHECK(credentials.find("c.io", "x")->identity_token == "id");
  CHECK(credentials.find("d.io", "x")->registry_token == "reg");
  CHECK(credentials.find("e.io", "x") == nullptr);
  auto old = parse_docker_config(R"({"https://f.io":{"auth":"dXNlcjpwYXNz","email":"x"}})");
  REQUIRE(old.ok());
  CHECK(old->find("f.io", "x")->password == "pass");
}

TEST_CASE("a broken docker config names the entry, never the secret") {
  struct Row {
    const char *text, *reason;
  };
  const Row rows[] = {
      {"hunter2", "not a JSON object"},
      {"[\"hunter2\"]", "not a JSON object"},
      {R"({"auths":["hunter2"]})", "auths: expected an object"},
      {R"({"auths":{"a.io":"hunter2"}})", "auths[a.io]: expected an object"},
      {R"({"auths":{"a.io":{"auth":"hunter2!"}}})", "auths[a.io]: auth: expected base64"},
      {R"({"auths":{"a.io":{"auth":"aHVudGVyMg=="}}})", "auths[a.io]: auth: expected base64"},
      {R"({"auths":{"a.io":{"password":["hunter2"]}}})", "auths[a.io]: password"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    auto credentials = parse_docker_config(row.text);
    REQUIRE_FALSE(credentials.ok());
    CHECK(credentials.error().message.find(row.reason) != std::string::npos);
    CHECK(credentials.error().message.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("merged configs keep the first of two equal entries, and name credential helpers") {
  auto credentials = config(entry("a.io", "first"));
  credentials.merge(config(entry("a.io", "second") + "," + entry("b.io", "b")));
  CHECK(credentials.find("a.io", "x")->username == "first");
  CHECK(credentials.find("b.io", "x")->username == "b");
  auto helpers = parse_docker_config(
      R"({"auths":{},"credsStore":"desktop","credHelpers":{"gcr.io":"gcloud"}})");
  REQUIRE(helpers.ok());
  CHECK(helpers->helper_for("gcr.io") == "gcloud");
  CHECK(helpers->helper_for("other.io") == "desktop");
}

TEST_CASE("the user's files are found where docker and podman put them") {
  char folder[] = "/tmp/imagebuild-auth-XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  std::string root = folder;
  for (std::string path : {"/.docker", "/docker", "/run/containers"})
    std::filesystem::create_directories(root + path);
  auto put = [&](const std::string& path, const std::string& user) {
    REQUIRE(write_file_atomically(root + path, R"({"auths":{)" + entry("a.io", user) + "}}").ok());
  };
  put("/.docker/config.json", "home");
  put("/docker/config.json", "docker");
  put("/run/containers/auth.json", "podman");
  put("/file.json", "file");
  std::map<std::string, std::string> variables;
  auto load = [&] {
    return load_user_credentials([&](const char* name) {
      return variables.contains(name) ? variables[name].c_str() : nullptr;
    });
  };
  CHECK(load()->empty());
  variables["XDG_RUNTIME_DIR"] = root + "/run";
  CHECK(load()->find("a.io", "x")->username == "podman");
  variables["HOME"] = root;
  CHECK(load()->find("a.io", "x")->username == "home");
  variables["DOCKER_CONFIG"] = root + "/docker";
  CHECK(load()->find("a.io", "x")->username == "docker");
  variables["REGISTRY_AUTH_FILE"] = root + "/file.json";
  CHECK(load()->find("a.io", "x")->username == "file");
  variables["REGISTRY_AUTH_FILE"] = root + "/absent.json";
  CHECK(load().error().kind == ErrorKind::NotFound);
  std::filesystem::remove_all(root);
}
