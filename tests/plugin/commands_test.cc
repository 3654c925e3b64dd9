// The commands against a fake API server: what they ask of it, and what they say.
#include "plugin/commands.h"

#include "tests/support/fake_api/fake_api.h"
#include "tests/unit/plugin/objects.h"

using namespace imagebuild;
using namespace imagebuild::plugin;
using namespace imagebuild::plugin::testing;
using imagebuild::testing::FakeApi;

namespace {

struct Fixture {
  FakeApi api;
  std::string out, note;
  Session session = connect();

  Session connect() {
    Session made{.client = kube::Client::make(api.config()),
                 .config = api.config(),
                 .name_space = "shop",
                 .console = {.out = [this](std::string_view text) { out += text; },
                             .note = [this](std::string_view text) { note += text; }}};
    made.poll = Duration(5);
    return made;
  }
  Json stored(const std::string& name = "web") {
    return api.get(kube::kImageBuilds, {"shop", name});
  }
  void put_pod(const std::string& phase, const std::string& log = "") {
    api.put(kube::kPods, {{"metadata",
                           {{"namespace", "shop"},
                            {"name", "web-9f2c8a1b-1"},
                            {"uid", "p-1"},
                            {"labels", {{"imagebuild.dev/uid", "u-1"}}}}},
                          {"status", {{"phase", phase}}}});
    api.set_log({"shop", "web-9f2c8a1b-1"}, log);
  }
};

Json running() {
  Json object = grown();
  object["status"]["build"].erase("result");
  object["status"]["build"].erase("finishedAt");
  object["status"]["conditions"][1] = {
      {"type", "UpToDate"}, {"status", "False"}, {"reason", "Building"}};
  return object;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "a name that does not exist is answered with those that do") {
  api.put(kube::kImageBuilds, grown());
  auto result = sizes_command(session, {.name = "wbe"});
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message ==
        "no ImageBuild wbe in namespace shop: there are web; another namespace is chosen with -n");
}

TEST_CASE_METHOD(Fixture, "list takes one namespace, or all of them, page by page") {
  api.put(kube::kImageBuilds, grown());
  api.put(kube::kImageBuilds, failed());
  REQUIRE(*list_command(session, {}) == kDone);
  CHECK(out.find("shop-api") == std::string::npos);
  CHECK(out.find("1 image, 223.3 MiB") != std::string::npos);
  out.clear();
  REQUIRE(*list_command(session, {.all_namespaces = true, .format = Format::Json}) == kDone);
  auto listed = parse_json(out);
  REQUIRE(listed.ok());
  CHECK((*listed)["items"].size() == 2);
  CHECK(api.count_requests("GET", "/apis/imagebuild.dev/v1alpha1/imagebuilds?limit=500") == 1);
}

TEST_CASE_METHOD(Fixture, "logs leave out the operator's lines") {
  api.put(kube::kImageBuilds, grown());
  put_pod("Succeeded", "step 1\n\033[31mred\nimagebuild-report/v1 1/1 {\"platform\":1}\n");
  REQUIRE(*logs_command(session, {.name = "web"}) == kDone);
  CHECK(out == "step 1\n?[31mred\n");
  out.clear();
  REQUIRE(*logs_command(session, {.name = "web", .tail = 1}) == kDone);
  CHECK(out == "?[31mred\n");
}

TEST_CASE_METHOD(Fixture, "logs of a pod that is gone say so, or give what the status kept") {
  api.put(kube::kImageBuilds, grown());
  auto gone = logs_command(session, {.name = "web"});
  REQUIRE_FALSE(gone.ok());
  CHECK(gone.error().message.find("spec.history") != std::string::npos);
  Json object = failed();
  object["metadata"]["namespace"] = "shop";
  api.put(kube::kImageBuilds, object);
  REQUIRE(*logs_command(session, {.name = "shop-api"}) == kDone);
  CHECK(out.find("npm ERR! code ENOTFOUND") == 0);
}

TEST_CASE_METHOD(Fixture, "logs of a pod that has not started ask for -f, and -f waits for it") {
  api.put(kube::kImageBuilds, running());
  put_pod("Pending", "hello\n");
  auto early = logs_command(session, {.name = "web"});
  REQUIRE_FALSE(early.ok());
  CHECK(early.error().message.find("wait for it with -f") != std::string::npos);
  int looks = 0;
  api.on_request([&](const imagebuild::testing::ServerRequest& request) {
    if (request.method == "GET" && request.path.ends_with("/pods/web-9f2c8a1b-1") && ++looks == 3)
      api.change(kube::kPods, {"shop", "web-9f2c8a1b-1"}, {{"status", {{"phase", "Succeeded"}}}});
  });
  REQUIRE(*logs_command(session, {.name = "web", .follow = true}) == kDone);
  CHECK(out == "hello\n");
  CHECK(note.find("waiting for pod web-9f2c8a1b-1: Pending") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "rebuild sets a new annotation each time, and nothing else") {
  api.put(kube::kImageBuilds, grown());
  const Json spec = stored()["spec"];
  REQUIRE(*rebuild_command(session, {.name = "web"}) == kDone);
  const std::string first = stored()["metadata"]["annotations"]["imagebuild.dev/rebuild"];
  REQUIRE(*rebuild_command(session, {.name = "web"}) == kDone);
  CHECK(stored()["metadata"]["annotations"]["imagebuild.dev/rebuild"] != first);
  CHECK(stored()["spec"] == spec);
}

TEST_CASE_METHOD(Fixture, "rebuild --wait ends with the build that answers it") {
  api.put(kube::kImageBuilds, grown());
  std::string result = "Success";
  int expected = kDone;
  SECTION("that succeeds") {}
  SECTION("that fails") {
    result = "Failure";
    expected = kFailed;
  }
  int looks = 0;
  api.on_request([&](const imagebuild::testing::ServerRequest& request) {
    if (request.method != "GET" || !request.path.ends_with("/imagebuilds/web") || ++looks != 4)
      return;
    Json build = {{"token", stored()["metadata"]["annotations"]["imagebuild.dev/rebuild"]},
                  {"result", result}};
    if (result == "Failure")
      build["failure"] = {{"class", "Terminal"}, {"reason", "BuildFailed"}, {"message", "no"}};
    Json change = {{"status", {{"build", build}}}};
    if (result == "Failure")
      change["status"]["conditions"] =
          Json::array({{{"type", "UpToDate"}, {"status", "False"}, {"reason", "BuildFailed"}}});
    api.change(kube::kImageBuilds, {"shop", "web"}, change);
  });
  auto status = rebuild_command(session, {.name = "web", .wait = true});
  REQUIRE(status.ok());
  CHECK(*status == expected);
  CHECK(out.find(expected == kDone ? "built registry.example.com/web@sha256:9f2c"
                                   : "failed: BuildFailed: no") == 0);
}

TEST_CASE_METHOD(Fixture, "rebuild of a suspended object says that nothing starts") {
  Json object = grown();
  object["spec"]["suspend"] = true;
  api.put(kube::kImageBuilds, object);
  CHECK(*rebuild_command(session, {.name = "web", .wait = true}) == kFailed);
  CHECK(note.find("kubectl imagebuild resume web -n shop") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "cancel suspends first and then deletes this very pod") {
  api.put(kube::kImageBuilds, running());
  put_pod("Running");
  REQUIRE(*cancel_command(session, "web") == kDone);
  CHECK(stored()["spec"]["suspend"] == true);
  CHECK(api.get(kube::kPods, {"shop", "web-9f2c8a1b-1"}).is_null());
  const auto requests = api.requests();
  const auto at = [&](const std::string& start) {
    for (std::size_t i = 0; i < requests.size(); ++i)
      if (requests[i].starts_with(start)) return i;
    return requests.size();
  };
  CHECK(at("PATCH") < at("DELETE"));
  CHECK(at("DELETE") < requests.size());
  CHECK(out.find("kubectl imagebuild resume web -n shop") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "cancel touches no finished pod, and nothing at all when nothing runs") {
  api.put(kube::kImageBuilds, grown());
  put_pod("Succeeded");
  REQUIRE(*cancel_command(session, "web") == kDone);
  CHECK(out.find("nothing was done") != std::string::npos);
  CHECK(api.count_requests("PATCH", "") + api.count_requests("DELETE", "") == 0);
}

TEST_CASE_METHOD(Fixture, "suspend and resume leave the spec as it was") {
  api.put(kube::kImageBuilds, grown());
  const Json spec = stored()["spec"];
  REQUIRE(*suspend_command(session, "web") == kDone);
  CHECK(stored()["spec"]["suspend"] == true);
  REQUIRE(*resume_command(session, "web") == kDone);
  CHECK(stored()["spec"] == spec);
  REQUIRE(*resume_command(session, "web") == kDone);
  CHECK(api.count_requests("PATCH", "") == 2);
}

TEST_CASE_METHOD(Fixture, "a refusal of the API server is the error") {
  api.inject({.matches = imagebuild::testing::on("PATCH", "imagebuilds"),
              .action = FakeApi::Action::Forbidden,
              .times = -1});
  api.put(kube::kImageBuilds, grown());
  auto refused = suspend_command(session, "web");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().kind == ErrorKind::Denied);
}
