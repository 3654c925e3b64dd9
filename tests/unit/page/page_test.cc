#include "operator/page/page.h"

#include <map>

#include "common/base/json.h"
#include "operator/page/assets.h"
#include "operator/telemetry/endpoints.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

using namespace imagebuild;
using namespace imagebuild::page;

namespace {

std::shared_ptr<const api::ImageBuild> build_of(std::string name, std::uint64_t size) {
  Json object = {{"metadata", {{"namespace", "shop"}, {"name", name}}}};
  if (size > 0) object["status"]["image"] = {{"digest", "sha256:1"}, {"sizeBytes", size}};
  return std::make_shared<const api::ImageBuild>(api::imagebuild_from_json(object));
}

/// A page over a map of ImageBuilds, and how often it was walked.
struct Fixture {
  explicit Fixture(const char* address = "0.0.0.0:8082") {
    Sources sources{.synced = [this] { return synced; },
                    .each =
                        [this](const auto& visit) {
                          ++walks;
                          for (const auto& [key, build] : builds) visit(*build);
                        },
                    .find =
                        [this](const std::string& name_space, const std::string& name) {
                          auto found = builds.find(name_space + "/" + name);
                          return found == builds.end() ? nullptr : found->second;
                        }};
    handler = make_page(std::move(sources), AllowedHosts(address, {}), clock);
  }

  void put(const std::string& name, std::uint64_t size) {
    builds["shop/" + name] = build_of(name, size);
  }
  http::Response get(const std::string& path, http::Headers headers = {{"Host", "localhost"}}) {
    return handler({.method = "GET", .path = path, .query = "", .headers = std::move(headers)});
  }
  Json json(const std::string& path) { return parse_json(get(path).body).value(); }

  FakeClock clock;
  bool synced = true;
  int walks = 0;
  std::map<std::string, std::shared_ptr<const api::ImageBuild>> builds;
  http::Server::Handler handler;
};

std::string header(const http::Response& response, const char* name) {
  return response.headers.find(name).value_or("");
}

}  // namespace

TEST_CASE("every answer forbids foreign and inline scripts, sniffing, frames and caching") {
  Fixture page;
  for (const char* path : {"/", "/page.js", "/page.css", "/icon.svg", "/nothing",
                           "/api/v1/imagebuilds", "/api/v1/imagebuilds/a/b"}) {
    INFO(path);
    const http::Response response = page.get(path);
    const std::string policy = header(response, "Content-Security-Policy");
    CHECK(policy.find("default-src 'none'") == 0);
    CHECK(policy.find("script-src 'self';") != std::string::npos);
    CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
    CHECK(policy.find("unsafe") == std::string::npos);
    CHECK(policy.find("http") == std::string::npos);
    CHECK(header(response, "X-Content-Type-Options") == "nosniff");
    CHECK(header(response, "X-Frame-Options") == "DENY");
    CHECK(header(response, "Referrer-Policy") == "no-referrer");
    CHECK(header(response, "Cross-Origin-Resource-Policy") == "same-origin");
    CHECK(header(response, "Cache-Control") == "no-store");
    CHECK_FALSE(response.headers.find("Set-Cookie"));
    CHECK_FALSE(response.headers.find("Access-Control-Allow-Origin"));
  }
}

TEST_CASE("the files of the page are served with their types and nothing else is") {
  Fixture page;
  struct Row {
    const char* path;
    int status;
    const char* type;
  };
  for (const Row& row :
       {Row{"/", 200, "text/html; charset=utf-8"},
        Row{"/index.html", 200, "text/html; charset=utf-8"},
        Row{"/page.js", 200, "text/javascript; charset=utf-8"},
        Row{"/page.css", 200, "text/css; charset=utf-8"}, Row{"/icon.svg", 200, "image/svg+xml"},
        Row{"", 200, "text/html; charset=utf-8"},
        Row{"/../page.js", 404, "text/plain; charset=utf-8"},
        Row{"/page.js/", 404, "text/plain; charset=utf-8"},
        Row{"/%2e%2e/etc/passwd", 404, "text/plain; charset=utf-8"},
        Row{"/metrics", 404, "text/plain; charset=utf-8"},
        Row{"/api/v1/imagebuilds", 200, "application/json"},
        Row{"/api/v1/imagebuildsX", 404, "application/json"},
        Row{"/api/v1/imagebuilds/", 404, "application/json"},
        Row{"/api/v1/imagebuilds/shop", 404, "application/json"},
        Row{"/api/v1/imagebuilds//web", 404, "application/json"},
        Row{"/api/v1/imagebuilds/shop/web/x", 404, "application/json"}}) {
    INFO(row.path);
    const http::Response response = page.get(row.path);
    CHECK(response.status == row.status);
    CHECK(header(response, "Content-Type") == row.type);
  }
}

TEST_CASE("the files hold no inline script, no style attribute and no foreign address") {
  REQUIRE(assets().size() > 10);
  for (const Asset& asset : assets()) {
    INFO(asset.name);
    CHECK_FALSE(asset.body.empty());
    for (const char* forbidden :
         {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
          " style=", "<style", "onclick=\"", "https://", "@import", "url("})
      CHECK(asset.body.find(forbidden) == std::string_view::npos);
    std::size_t at = 0;
    while ((at = asset.body.find("http://", at)) != std::string_view::npos) {
      CHECK(asset.body.substr(at).starts_with("http://www.w3.org/2000/svg"));
      ++at;
    }
  }
}

TEST_CASE("the list has the largest image first and names break ties") {
  Fixture page;
  page.put("b", 10);
  page.put("a", 10);
  page.put("empty", 0);
  page.put("large", 500);
  const Json list = page.json("/api/v1/imagebuilds");
  CHECK(list["total"] == 4);
  std::string names;
  for (const Json& item : list["items"]) names += item["name"].get<std::string>() + " ";
  CHECK(names == "large a b empty ");
}

TEST_CASE("the list is bounded and says how many there are") {
  Fixture page;
  for (std::size_t i = 0; i < kMostRows + 5; ++i) page.put("n" + std::to_string(i), i + 1);
  const Json list = page.json("/api/v1/imagebuilds");
  CHECK(list["total"] == kMostRows + 5);
  REQUIRE(list["items"].size() == kMostRows);
  CHECK(list["items"].back()["sizeBytes"] == 6);
}

TEST_CASE("the list is made once a second however often it is asked for") {
  Fixture page;
  page.put("web", 10);
  for (int i = 0; i < 5; ++i) page.get("/api/v1/imagebuilds");
  CHECK(page.walks == 1);
  page.put("web", 20);
  page.clock.advance(std::chrono::milliseconds(999));
  CHECK(page.json("/api/v1/imagebuilds")["items"][0]["sizeBytes"] == 10);
  page.clock.advance(std::chrono::milliseconds(1));
  CHECK(page.json("/api/v1/imagebuilds")["items"][0]["sizeBytes"] == 20);
  CHECK(page.walks == 2);
  page.clock.advance(std::chrono::hours(-1));
  page.get("/api/v1/imagebuilds");
  CHECK(page.walks == 3);
}

TEST_CASE("one ImageBuild is found by namespace and name") {
  Fixture page;
  page.put("web", 10);
  CHECK(page.json("/api/v1/imagebuilds/shop/web")["image"]["sizeBytes"] == 10);
  CHECK(page.get("/api/v1/imagebuilds/shop/other").status == 404);
  CHECK(page.json("/api/v1/imagebuilds/shop/other")["error"] == "no such ImageBuild");
}

TEST_CASE("before the caches are filled there is no list rather than half of one") {
  Fixture page;
  page.put("web", 10);
  page.synced = false;
  for (const char* path : {"/api/v1/imagebuilds", "/api/v1/imagebuilds/shop/web"}) {
    CHECK(page.get(path).status == 503);
    CHECK(page.json(path)["error"] == "the caches are not filled yet");
  }
  CHECK(page.get("/").status == 200);
}

TEST_CASE("a site whose name points at the loopback gets nothing") {
  Fixture page("127.0.0.1:8082");
  page.put("web", 10);
  for (const char* path : {"/", "/api/v1/imagebuilds", "/api/v1/imagebuilds/shop/web"}) {
    const http::Response response = page.get(path, {{"Host", "rebind.example:8082"}});
    CHECK(response.status == 421);
    CHECK(response.body.find("web") == std::string::npos);
    CHECK(page.get(path, {}).status == 421);
    CHECK(page.get(path).status == 200);
  }
}

TEST_CASE("large answers are compressed for those who accept it") {
  Fixture page;
  const std::string plain = page.get("/page.css").body;
  const http::Response packed =
      page.get("/page.css", {{"Host", "localhost"}, {"Accept-Encoding", "gzip, br"}});
  CHECK(header(packed, "Content-Encoding") == "gzip");
  CHECK(header(packed, "Vary") == "Accept-Encoding");
  CHECK(packed.body == telemetry::gzip(plain));
  CHECK(packed.body.size() < plain.size() / 2);
  const http::Response refused =
      page.get("/page.css", {{"Host", "localhost"}, {"Accept-Encoding", "gzip;q=0"}});
  CHECK(refused.body == plain);
}

TEST_CASE("over HTTP the page answers GET and HEAD and refuses the rest") {
  Fixture page;
  auto server = http::Server::listen("127.0.0.1:0", page.handler);
  REQUIRE(server.ok());
  const std::string url = "http://127.0.0.1:" + std::to_string((*server)->port());
  // A connection for each: the server ends the one on which it refused a method.
  auto send = [&](const char* method, const char* path) {
    auto transport = http::make_transport({.tls = {}, .proxy_from_environment = false});
    http::Request request{.method = method, .url = url + path};
    auto answer = transport->send(request);
    INFO((answer.ok() ? "" : answer.error().message));
    REQUIRE(answer.ok());
    return *answer;
  };
  CHECK(send("GET", "/").status == 200);
  CHECK(send("GET", "/").headers.find("Content-Security-Policy"));
  CHECK(send("HEAD", "/api/v1/imagebuilds").status == 200);
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH"})
    CHECK(send(method, "/").status == 405);
}
