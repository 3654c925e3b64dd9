#include "common/kube/config.h"

#include <filesystem>
#include <map>

#include "common/base/unique_fd.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::kube;

namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "kubeXXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string write(const std::string& name, const std::string& text) const {
    REQUIRE(write_file_atomically(path_ + "/" + name, text).ok());
    return path_ + "/" + name;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Environment environment(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) -> std::optional<std::string> {
    auto it = values.find(name);
    return it == values.end() ? std::nullopt : std::optional<std::string>(it->second);
  };
}

const std::string kWhole = R"(
apiVersion: v1
kind: Config
current-context: dev
contexts:
- name: dev
  context: {cluster: local, user: admin, namespace: team}
- name: other
  context: {cluster: plain, user: bearer}
clusters:
- name: local
  cluster: {server: "https://10.0.0.1:6443/", certificate-authority-data: Q0EgdGV4dA==, tls-server-name: kube}
- name: plain
  cluster: {server: "http://127.0.0.1:8080", insecure-skip-tls-verify: true}
users:
- name: admin
  user: {client-certificate: admin.crt, client-key-data: S0VZ}
- name: bearer
  user: {token: abc, tokenFile: sub/token}
)";

// The same file with one user or cluster entry.
std::string with(const std::string& cluster, const std::string& user) {
  return "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
         "clusters: [{name: k, cluster: {" +
         cluster + "}}]\nusers: [{name: u, user: {" + user + "}}]\n";
}

}  // namespace

TEST_CASE(
    "a kubeconfig gives server, CA, client certificate and namespace of its current context") {
  Folder folder;
  folder.write("admin.crt", "CERT");
  auto config = load_kubeconfig({folder.write("config", kWhole)});
  REQUIRE(config.ok());
  CHECK(config->server == "https://10.0.0.1:6443");
  CHECK(config->name_space == "team");
  CHECK(config->tls.ca_data == "CA text");
  CHECK(config->tls.server_name == "kube");
  CHECK(config->tls.client_cert_data == "CERT");
  CHECK(config->tls.client_key_data == "KEY");
  CHECK_FALSE(config->tls.insecure_skip_verify);
}

TEST_CASE(
    "a named context wins over the current one, and token files are beside their kubeconfig") {
  Folder folder;
  auto config = load_kubeconfig({folder.write("config", kWhole)}, "other");
  REQUIRE(config.ok());
  CHECK(config->server == "http://127.0.0.1:8080");
  CHECK(config->tls.insecure_skip_verify);
  CHECK(config->token == "abc");
  CHECK(config->token_file == folder.path() + "/sub/token");
  CHECK(config->name_space == "default");
}

TEST_CASE("of several kubeconfig files the first that names something wins") {
  Folder folder;
  folder.write("admin.crt", "CERT");
  auto first = folder.write(
      "first",
      "contexts: [{name: dev, context: {cluster: local, user: admin, namespace: mine}}]\n");
  auto second = folder.write("second", kWhole);
  auto config = load_config(
      "", "", environment({{"KUBECONFIG", first + ":" + folder.path() + "/absent::" + second}}));
  REQUIRE(config.ok());
  CHECK(config->name_space == "mine");
  CHECK(config->server == "https://10.0.0.1:6443");
}

TEST_CASE("what a kubeconfig asks for and we cannot do is an error that names it") {
  const std::string server = "server: 'https://h'";
  struct Row {
    std::string name, cluster, user, part;
  };
  for (const Row& row : {
           Row{"exec plugin", server, "exec: {command: aws}", "exec is not supported"},
           Row{"auth provider", server, "auth-provider: {name: gcp}",
               "auth-provider is not supported"},
           Row{"basic auth", server, "username: a, password: b", "username is not supported"},
           Row{"impersonation", server, "as: root", "as is not supported"},
           Row{"proxy", server + ", proxy-url: 'http://p'", "token: t",
               "proxy-url is not supported"},
           Row{"no server", "insecure-skip-tls-verify: true", "token: t", "server"},
           Row{"strange server", "server: 'ftp://h'", "token: t", "server"},
           Row{"bad base64", server + ", certificate-authority-data: '*'", "token: t",
               "not base64"},
           Row{"absent CA file", server + ", certificate-authority: nowhere.crt", "token: t",
               "nowhere.crt"},
           Row{"key without certificate", server, "client-key-data: S0VZ", "needed together"},
           Row{"token of a wrong type", server, "token: [1]", "token: expected a string"},
           Row{"insecure and CA",
               server + ", insecure-skip-tls-verify: true, certificate-authority-data: Q0E=",
               "token: t", "exclude"},
       }) {
    CAPTURE(row.name);
    Folder folder;
    auto config = load_kubeconfig({folder.write("config", with(row.cluster, row.user))});
    REQUIRE_FALSE(config.ok());
    CAPTURE(config.error().message);
    CHECK(config.error().kind == ErrorKind::InvalidInput);
    CHECK(config.error().message.find(row.part) != std::string::npos);
    CHECK(config.error().message.find(folder.path() + "/config") != std::string::npos);
  }
}

TEST_CASE("missing names and files are errors") {
  Folder folder;
  CHECK(load_kubeconfig({folder.path() + "/absent"}).error().kind == ErrorKind::NotFound);
  CHECK(load_kubeconfig({folder.write("empty", "")}).error().kind == ErrorKind::NotFound);
  CHECK(load_kubeconfig({folder.write("list", "[1]")}).error().message.find("not a kubeconfig") !=
        std::string::npos);
  CHECK(load_kubeconfig({folder.write("nothing", "kind: Config")})
            .error()
            .message.find("no current-context") != std::string::npos);
  CHECK(load_kubeconfig({folder.write("config", kWhole)}, "nope")
            .error()
            .message.find("no context named \"nope\"") != std::string::npos);
}

TEST_CASE("in a pod the service account's files are used") {
  Folder folder;
  folder.write("token", "secret\n");
  folder.write("ca.crt", "CA");
  folder.write("namespace", "build\n");
  auto env =
      environment({{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}});
  auto config = load_in_cluster_config(folder.path(), env);
  REQUIRE(config.ok());
  CHECK(config->server == "https://[fd00::1]:443");
  CHECK(config->token_file == folder.path() + "/token");
  CHECK(config->tls.ca_data == "CA");
  CHECK(config->name_space == "build");
  CHECK(load_in_cluster_config(folder.path(), environment({})).error().kind == ErrorKind::NotFound);
  CHECK_FALSE(load_in_cluster_config(folder.path() + "/absent", env).ok());
}
