// The client, the informer and the leader elector against a real API server: KUBECONFIG names it
// (hack/cluster kubeconfig). Everything happens in a namespace of its own, which is deleted at the
// end.
#include <cstdlib>
#include <iostream>
#include <thread>

#include "common/base/json.h"
#include "operator/runtime/informer.h"
#include "operator/runtime/leader_elector.h"
#include "operator/runtime/steady_clock.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::runtime;
using namespace std::chrono_literals;

namespace {

const kube::ResourceType kConfigMaps{"", "v1", "configmaps", "ConfigMap"};

bool eventually(const std::function<bool()>& holds) {
  TimePoint end = steady_clock().now() + 30s;
  while (!holds()) {
    if (steady_clock().now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

// Null, with a word, when there is no cluster to test against.
std::unique_ptr<kube::Client> find_cluster() {
  if (!std::getenv("KUBECONFIG")) {
    std::cout << "skipped: KUBECONFIG is not set, so there is no API server to talk to\n";
    return nullptr;
  }
  auto config = kube::load_config();
  CAPTURE(config.ok() ? "" : config.error().message);
  REQUIRE(config.ok());
  return kube::Client::make(*std::move(config));
}

class Namespace {
 public:
  explicit Namespace(kube::Client& client) : client_(client) {
    auto created =
        client.create(kube::kNamespaces, {{"apiVersion", "v1"},
                                          {"kind", "Namespace"},
                                          {"metadata", {{"generateName", "kube-real-test-"}}}});
    CAPTURE(created.ok() ? "" : created.error().message);
    REQUIRE(created.ok());
    name_ = string_at(*created, {"metadata", "name"});
  }
  ~Namespace() { (void)client_.remove(kube::kNamespaces, {"", name_}).ok(); }
  const std::string& name() const { return name_; }

 private:
  kube::Client& client_;
  std::string name_;
};

Json config_map(const std::string& name_space, const std::string& name, const std::string& value) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"namespace", name_space}, {"name", name}, {"labels", {{"test", "real"}}}}},
          {"data", {{"value", value}}}};
}

}  // namespace

TEST_CASE("verbs and refusals of a real API server mean what the client says") {
  auto client = find_cluster();
  if (!client) return;
  Namespace space(*client);
  const kube::ObjectKey key{space.name(), "one"};

  auto created = client->create(kConfigMaps, config_map(space.name(), "one", "1"));
  REQUIRE(created.ok());
  auto again = client->create(kConfigMaps, config_map(space.name(), "one", "1"));
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().already_exists());
  CHECK(client->get(kConfigMaps, {space.name(), "none"}).error().not_found());

  auto patched = client->patch(kConfigMaps, key, {{"data", {{"more", "2"}}}});
  REQUIRE(patched.ok());
  CHECK((*patched)["data"] == Json{{"value", "1"}, {"more", "2"}});
  Json stale = *created;
  CHECK(client->replace(kConfigMaps, stale).error().conflict());
  auto applied = client->patch(
      kConfigMaps, {space.name(), "two"}, config_map(space.name(), "two", "x"),
      {.kind = kube::PatchOptions::Kind::Apply, .field_manager = "real-test", .force = true});
  REQUIRE(applied.ok());
  auto invalid = client->create(kConfigMaps, config_map(space.name(), "Not_A_Name", ""));
  REQUIRE_FALSE(invalid.ok());
  CHECK(invalid.error().kind == ErrorKind::InvalidInput);

  kube::ListOptions options{.label_selector = "test=real", .limit = 1};
  auto page = client->list(kConfigMaps, space.name(), options);
  REQUIRE(page.ok());
  CHECK(page->items.size() == 1);
  CHECK(page->items[0]["kind"] == "ConfigMap");
  CHECK_FALSE(page->continue_token.empty());

  auto wrong = client->remove(kConfigMaps, key, {.uid = "00000000-0000-0000-0000-000000000000"});
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().conflict());
  CHECK(client->remove(kConfigMaps, key, {.uid = string_at(*created, {"metadata", "uid"})}).ok());

  auto old = client->watch(kConfigMaps, space.name(), {.resource_version = "1", .timeout = 5s},
                           [](kube::WatchEvent) { return Result<void>(); });
  if (!old.ok()) CHECK(old.error().gone());  // whether it was compacted depends on the server's age
}

TEST_CASE("the informer follows a real API server") {
  auto client = find_cluster();
  if (!client) return;
  Namespace space(*client);
  for (int i = 0; i < 7; ++i)
    REQUIRE(
        client->create(kConfigMaps, config_map(space.name(), "c" + std::to_string(i), "0")).ok());
  Informer<std::string> informer(
      *client,
      {.type = kConfigMaps,
       .namespaces = {space.name()},
       .label_selector = "test=real",
       .reflector = {.page_size = 3}},
      [](const Json& object) {
        return std::make_shared<const std::string>(string_at(object, {"data", "value"}));
      });
  informer.start();
  REQUIRE(informer.wait_synced({}, 30s));
  CHECK(informer.size() == 7);
  const kube::ObjectKey key{space.name(), "c3"};
  REQUIRE(client->patch(kConfigMaps, key, {{"data", {{"value", "changed"}}}}).ok());
  CHECK(eventually([&] {
    auto value = informer.find(key);
    return value && *value == "changed";
  }));
  REQUIRE(client->remove(kConfigMaps, key).ok());
  CHECK(eventually([&] { return !informer.find(key); }));
  CHECK(informer.size() == 6);
  TimePoint begin = steady_clock().now();
  informer.request_stop();
  CHECK(steady_clock().now() - begin < 5s);
}

TEST_CASE("a real lease is acquired, renewed, refused to others and released") {
  auto client = find_cluster();
  if (!client) return;
  Namespace space(*client);
  LeaderElector first(*client, {.name_space = space.name(), .name = "lease"}, {});
  LeaderElector second(*client, {.name_space = space.name(), .name = "lease"}, {});
  REQUIRE(first.tick());
  CHECK(first.is_leader());
  REQUIRE(first.tick());
  REQUIRE(second.tick());
  CHECK_FALSE(second.is_leader());
  first.release();
  REQUIRE(second.tick());
  CHECK(second.is_leader());
}
