// The client against the fake API server, over the shipped transport.
#include "common/kube/client.h"

#include <filesystem>
#include <thread>

#include "common/base/unique_fd.h"
#include "tests/support/catch.h"
#include "tests/support/fake_api/fake_api.h"

using namespace imagebuild;
using namespace imagebuild::kube;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::FakeApi;
using testing::on;
using Action = FakeApi::Action;

namespace {

const ClientOptions kFast{.retry = Backoff{.first = 1ms, .factor = 1, .limit = 1ms, .jitter = 0}};

json pod(const std::string& name, json labels = json::object()) {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"namespace", "default"}, {"name", name}, {"labels", labels}}},
          {"spec", {{"x", 1}}}};
}

struct Fixture {
  FakeApi api;
  std::unique_ptr<Client> client = Client::make(api.config(), kFast);
};

}  // namespace

TEST_CASE_METHOD(Fixture, "an object is created, read, patched and deleted") {
  auto created = client->create(kPods, pod("web"));
  REQUIRE(created.ok());
  std::string uid = (*created)["metadata"]["uid"];
  CHECK((*client->get(kPods, {"default", "web"}))["spec"]["x"] == 1);

  auto patched = client->patch(kPods, {"default", "web"}, {{"spec", {{"x", 2}, {"y", 3}}}});
  REQUIRE(patched.ok());
  CHECK((*patched)["spec"] == json{{"x", 2}, {"y", 3}});
  CHECK((*patched)["metadata"]["generation"] == 2);

  CHECK(client->remove(kPods, {"default", "web"}, {.uid = "another"}).error().conflict());
  CHECK(client->remove(kPods, {"default", "web"}, {.uid = uid}).ok());
  auto gone = client->get(kPods, {"default", "web"});
  REQUIRE_FALSE(gone.ok());
  CHECK(gone.error().not_found());
  CHECK(gone.error().kind == ErrorKind::NotFound);
  CHECK(gone.error().message.find("get pods default/web: 404 NotFound") == 0);
}

TEST_CASE_METHOD(Fixture, "status and spec are written apart") {
  api.put(kImageBuilds,
          {{"metadata", {{"namespace", "a"}, {"name", "web"}}}, {"spec", {{"image", "r/x"}}}});
  auto applied = client->patch(kImageBuilds, {"a", "web"},
                               {{"apiVersion", "imagebuild.dev/v1alpha1"},
                                {"kind", "ImageBuild"},
                                {"spec", {{"image", "evil"}}},
                                {"status", {{"a", 1}, {"b", 2}}}},
                               {.kind = PatchOptions::Kind::Apply,
                                .subresource = "status",
                                .field_manager = "m",
                                .force = true});
  CAPTURE(applied.ok() ? "" : applied.error().message);
  REQUIRE(applied.ok());
  CHECK((*applied)["spec"]["image"] == "r/x");
  CHECK((*applied)["metadata"]["generation"] == 1);
  applied = client->patch(
      kImageBuilds, {"a", "web"},
      {{"apiVersion", "imagebuild.dev/v1alpha1"}, {"kind", "ImageBuild"}, {"status", {{"b", 3}}}},
      {.kind = PatchOptions::Kind::Apply,
       .subresource = "status",
       .field_manager = "m",
       .force = true});
  REQUIRE(applied.ok());
  CHECK((*applied)["status"] == json{{"b", 3}});
  CHECK(api.count_requests("PATCH", "/status?fieldManager=m&force=true") == 2);
  CHECK(
      client->patch(kImageBuilds, {"a", "web"}, json::object(), {.kind = PatchOptions::Kind::Apply})
          .error()
          .kind == ErrorKind::InvalidInput);
}

TEST_CASE_METHOD(Fixture, "a refusal keeps its reason, so that callers can tell 409 from 409") {
  REQUIRE(client->create(kPods, pod("web")).ok());
  auto again = client->create(kPods, pod("web"));
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().already_exists());
  CHECK_FALSE(again.error().conflict());

  json stale = api.get(kPods, {"default", "web"});
  api.change(kPods, {"default", "web"}, {{"spec", {{"x", 9}}}});
  auto replaced = client->replace(kPods, stale);
  REQUIRE_FALSE(replaced.ok());
  CHECK(replaced.error().conflict());
  CHECK(replaced.error().kind == ErrorKind::Conflict);

  api.inject({.matches = on("GET", "/pods"), .action = Action::Forbidden});
  CHECK(client->get(kPods, {"default", "web"}).error().kind == ErrorKind::Denied);
  CHECK(client->create(kPods, pod("Not_A_Name")).error().kind == ErrorKind::InvalidInput);
  api.inject({.matches = on("GET", "/pods"), .action = Action::Gone});
  CHECK(client->list(kPods, "").error().gone());
}

TEST_CASE_METHOD(Fixture, "pages of a list come in order and carry kind and apiVersion") {
  for (int i = 0; i < 7; ++i)
    api.put(kPods, pod("p" + std::to_string(i), {{"n", i < 5 ? "low" : "high"}}));
  std::vector<std::string> names;
  ListOptions options{.label_selector = "n=low", .limit = 2};
  do {
    auto page = client->list(kPods, "default", options);
    REQUIRE(page.ok());
    for (auto& item : page->items) {
      names.push_back(item["metadata"]["name"]);
      CHECK(item["kind"] == "Pod");
      CHECK(item["apiVersion"] == "v1");
    }
    options.continue_token = page->continue_token;
  } while (!options.continue_token.empty());
  CHECK(names == std::vector<std::string>{"p0", "p1", "p2", "p3", "p4"});
  CHECK(api.count_requests("GET", "labelSelector=n%3Dlow&limit=2") == 3);
}

TEST_CASE_METHOD(Fixture, "retries are bounded and never repeat a write that may have happened") {
  struct Row {
    std::string name, method;
    Action action;
    int times, requests;
    bool ok;
  };
  for (const Row& row : {
           Row{"a read after 500", "GET", Action::ServerError, 2, 3, true},
           Row{"a read after a reset", "GET", Action::ResetBeforeEffect, 1, 2, true},
           Row{"a read that never works", "GET", Action::ServerError, -1, 5, false},
           Row{"a read that is denied", "GET", Action::Forbidden, 1, 1, false},
           Row{"a write after 429", "PATCH", Action::TooManyRequests, 2, 3, true},
           Row{"a write after 500", "PATCH", Action::ServerError, 1, 1, false},
           Row{"a write without an answer", "PATCH", Action::ResetAfterEffect, 1, 1, false},
           Row{"a write with a conflict", "PATCH", Action::Conflict, 1, 1, false},
       }) {
    CAPTURE(row.name);
    api.clear_faults();
    api.put(kPods, pod("web"));
    client = Client::make(
        api.config(),
        kFast);  // no kept-alive connection, on which cpprestsdk would repeat a request
    api.forget_requests();
    api.inject({.matches = on(row.method, "/pods/web"), .action = row.action, .times = row.times});
    bool ok = row.method == "GET"
                  ? client->get(kPods, {"default", "web"}).ok()
                  : client->patch(kPods, {"default", "web"}, {{"spec", {{"x", 5}}}}).ok();
    CHECK(ok == row.ok);
    CHECK(api.count_requests(row.method, "/pods/web") == row.requests);
  }
}

TEST_CASE_METHOD(Fixture, "a write without an answer says so") {
  api.inject({.matches = on("POST", "/pods"), .action = Action::ResetAfterEffect});
  auto created = client->create(kPods, pod("web"));
  REQUIRE_FALSE(created.ok());
  CHECK(created.error().no_answer());
  CHECK(created.error().kind == ErrorKind::Transient);
  CHECK(api.all(kPods).size() == 1);
}

TEST_CASE_METHOD(Fixture, "a server that asks for a long pause is not waited for") {
  api.inject({.matches = on("GET", "/pods"),
              .action = Action::TooManyRequests,
              .times = -1,
              .retry_after = 3600});
  auto listed = client->list(kPods, "");
  REQUIRE_FALSE(listed.ok());
  CHECK(listed.error().retry_after == 3600s);
  CHECK(api.requests().size() == 1);
}

TEST_CASE_METHOD(Fixture, "names and selectors cannot leave their place in the URL") {
  CHECK_FALSE(client->get(kPods, {"default", "../../secrets/x"}).ok());
  CHECK(api.count_requests("GET", "/api/v1/namespaces/default/pods/..%2F..%2Fsecrets%2Fx") == 1);
  CHECK(client->get(kPods, {"default", ".."}).error().kind == ErrorKind::InvalidInput);
  CHECK(client->get(kPods, {"default", ""}).error().kind == ErrorKind::InvalidInput);
  CHECK(client->get(kPods, {"", "web"}).error().kind == ErrorKind::InvalidInput);
  CHECK(client->list(kPods, "a b", {.label_selector = "a&watch=1"}).ok());
  CHECK(api.count_requests("GET", "/namespaces/a%20b/pods?labelSelector=a%26watch%3D1") == 1);
}

TEST_CASE_METHOD(Fixture, "the last lines of a pod's log are read") {
  api.put(kPods, pod("web"));
  api.set_log({"default", "web"}, "one\ntwo\nthree\n");
  CHECK(*client->logs({"default", "web"}, {.tail_lines = 2}) == "two\nthree\n");
  CHECK(*client->logs({"default", "web"}, {.tail_lines = 9}) == "one\ntwo\nthree\n");
  CHECK(*client->logs({"default", "web"}, {.limit_bytes = 5}) == "one\nt");
  CHECK(client->logs({"default", "none"}).error().not_found());
}

TEST_CASE_METHOD(Fixture, "a watch delivers changes, bookmarks and the error of an old version") {
  auto page = client->list(kPods, "default");
  REQUIRE(page.ok());
  api.put(kPods, pod("web"));
  api.change(kPods, {"default", "web"}, {{"status", {{"phase", "Running"}}}});
  api.erase(kPods, {"default", "web"});
  std::vector<WatchEvent::Type> types;
  std::string bookmark;
  auto watched = client->watch(kPods, "default", {.resource_version = page->resource_version},
                               [&](WatchEvent event) -> Result<void> {
                                 types.push_back(event.type);
                                 if (event.type == WatchEvent::Type::Deleted) api.send_bookmarks();
                                 if (event.type == WatchEvent::Type::Bookmark) {
                                   bookmark = event.resource_version();
                                   api.cut_watches();
                                 }
                                 return {};
                               });
  CHECK(watched.ok());
  using Type = WatchEvent::Type;
  CHECK(types == std::vector<Type>{Type::Added, Type::Modified, Type::Deleted, Type::Bookmark});
  CHECK_FALSE(bookmark.empty());

  api.compact();
  auto old = client->watch(kPods, "default", {.resource_version = bookmark},
                           [](WatchEvent) { return Result<void>(); });
  REQUIRE_FALSE(old.ok());
  CHECK(old.error().gone());
}

TEST_CASE_METHOD(Fixture, "a stop request ends a quiet watch at once") {
  std::stop_source stop;
  std::jthread stopper([&] {
    while (api.count_requests("GET", "watch=1") == 0) std::this_thread::yield();
    stop.request_stop();
  });
  auto begin = std::chrono::steady_clock::now();
  auto watched =
      client->watch(kPods, "", {.timeout = 60s}, [](WatchEvent) { return Result<void>(); },
                    {.stop = stop.get_token()});
  REQUIRE_FALSE(watched.ok());
  CHECK(watched.error().kind == ErrorKind::Canceled);
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
}

TEST_CASE("a rotated token is read again when the server refuses the old one") {
  std::string name = (std::filesystem::temp_directory_path() / "tokenXXXXXX").string();
  UniqueFd file(::mkstemp(name.data()));
  REQUIRE(write_file_atomically(name, "old\n").ok());
  testing::TestServer server([](const testing::ServerRequest& request) {
    testing::ServerResponse response;
    response.status =
        request.headers.find("Authorization").value_or("") == "Bearer new" ? 200 : 401;
    response.body = request.headers.find("User-Agent").value_or("");
    return response;
  });
  Client client({.server = server.origin(), .tls = {}, .token = "", .token_file = name},
                http::make_transport(), {.user_agent = "test/1"});
  CHECK(client.get_text("/version").error().kind == ErrorKind::Denied);
  REQUIRE(write_file_atomically(name, "new\n").ok());
  auto answer = client.get_text("/version");
  REQUIRE(answer.ok());
  CHECK(*answer == "test/1");
  std::filesystem::remove(name);
}
