#include "builder/context/download.h"

#include <sys/stat.h>

#include <mutex>

#include "common/base/sha256.h"
#include "common/http/transport.h"
#include "tests/support/catch.h"
#include "tests/support/test_server/test_server.h"

using namespace imagebuild;
using namespace imagebuild::context;
using imagebuild::testing::ServerRequest;
using imagebuild::testing::ServerResponse;
using imagebuild::testing::TestServer;

namespace {

/// One server, one download.
struct Fixture {
  explicit Fixture(imagebuild::testing::Handler handler)
      : server([this, handler = std::move(handler)](const ServerRequest& request) {
          std::lock_guard lock(mutex);
          paths += request.path + " ";
          authorizations += request.headers.find("Authorization").value_or("-") + " ";
          return handler(request);
        }) {}

  Result<Download> get(std::string path, DownloadSource source = {}) {
    source.url = server.origin() + path;
    return fetch(std::move(source));
  }
  Result<Download> fetch(DownloadSource source) {
    source.retry.wait = [](Duration, const std::stop_token&) { return true; };
    return download(*transport, source);
  }

  std::mutex mutex;  // guards the two below
  std::string paths, authorizations;
  std::unique_ptr<http::Transport> transport = http::make_transport();
  TestServer server;
};

std::string content(const Download& download) {
  return *read_file(download.directory.path() + "/" + download.file_name());
}

ServerResponse redirect(std::string to, int status = 302) {
  return {.status = status, .headers = {{"Location", std::move(to)}}};
}

}  // namespace

TEST_CASE("a file is downloaded whole, private, with its name and time", "[context]") {
  Fixture web([](const ServerRequest&) {
    return ServerResponse{.headers = {{"Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT"}},
                          .body = "hello"};
  });
  std::string path;
  {
    auto file = web.get("/a/b%20c.txt?x=/y.z#frag", {.checksum = "sha256:" + sha256_hex("hello")});
    if (!file) FAIL(file.error().message);
    CHECK(file->name == "b c.txt");
    CHECK(file->last_modified == 1445412480);
    CHECK(content(*file) == "hello");
    path = file->directory.path();
    struct stat status {};
    REQUIRE(::stat((path + "/b c.txt").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
  }
  struct stat status {};
  CHECK(::stat(path.c_str(), &status) != 0);
}

TEST_CASE("a URL's name is the last component of its path, if that is one", "[context]") {
  Fixture web([](const ServerRequest&) { return ServerResponse{.body = "x"}; });
  struct Row {
    const char *path, *name;
  };
  for (const Row& row :
       {Row{"/f", "f"}, Row{"/d/f.tar.gz", "f.tar.gz"}, Row{"/d/", "d"}, Row{"/", ""}, Row{"", ""},
        Row{"/?f", ""}, Row{"/a%2Fb", "b"}, Row{"/%2e%2e", ""}}) {
    auto file = web.get(row.path);
    INFO(row.path);
    REQUIRE(file.ok());
    CHECK(file->name == row.name);
    CHECK_FALSE(file->last_modified);
  }
}

TEST_CASE("a wrong checksum and a file that is too large are refused", "[context]") {
  Fixture web([](const ServerRequest&) { return ServerResponse{.body = "hello"}; });
  const std::string url = web.server.origin() + "/f";
  auto wrong = web.get("/f", {.checksum = "sha256:" + sha256_hex("other")});
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().kind == ErrorKind::InvalidInput);
  CHECK(wrong.error().message == "download " + url + ": the checksum is sha256:" +
                                     sha256_hex("hello") + ", not sha256:" + sha256_hex("other"));
  auto large = web.get("/f", {.max_bytes = 4});
  REQUIRE_FALSE(large.ok());
  CHECK(large.error().kind == ErrorKind::InvalidInput);
  CHECK(large.error().message.ends_with(": larger than 4 bytes"));
  for (const char* checksum : {"sha256:12", "sha512:00", "abc"}) {
    auto none = web.get("/f", {.checksum = checksum});
    REQUIRE_FALSE(none.ok());
    CHECK(none.error().kind == ErrorKind::InvalidInput);
  }
  CHECK(web.paths == "/f /f ");
}

TEST_CASE("a status says who has to act", "[context]") {
  struct Row {
    int status;
    ErrorKind kind;
    int attempts;
  };
  for (const Row& row : {Row{404, ErrorKind::NotFound, 1}, Row{410, ErrorKind::NotFound, 1},
                         Row{401, ErrorKind::Denied, 1}, Row{403, ErrorKind::Denied, 1},
                         Row{400, ErrorKind::InvalidInput, 1}, Row{429, ErrorKind::Transient, 4},
                         Row{503, ErrorKind::Transient, 4}}) {
    int asked = 0;
    Fixture web([&](const ServerRequest&) {
      ++asked;
      return ServerResponse{.status = row.status};
    });
    auto file = web.get("/f?token=secret");
    REQUIRE_FALSE(file.ok());
    CHECK(file.error().kind == row.kind);
    CHECK(file.error().message ==
          "download " + web.server.origin() + "/f: status " + std::to_string(row.status));
    CHECK(asked == row.attempts);
  }
}

TEST_CASE("what breaks off is fetched again from its start", "[context]") {
  int asked = 0;
  Fixture web([&](const ServerRequest&) {
    ServerResponse response{.body = "hello"};
    if (++asked == 1) response.fault = ServerResponse::Fault::CutBody;
    if (asked == 2) response.status = 503;
    return response;
  });
  auto file = web.get("/f", {.checksum = "sha256:" + sha256_hex("hello")});
  if (!file) FAIL(file.error().message);
  CHECK(content(*file) == "hello");
  CHECK(asked == 3);
}

TEST_CASE("redirects are followed, ten at most", "[context]") {
  Fixture web([](const ServerRequest& request) -> ServerResponse {
    if (request.path == "/loop") return redirect("/loop");
    if (request.path == "/lost") return {.status = 301};
    if (request.path == "/bad") return redirect("https://user:secret@host/");
    return request.path == "/new" ? ServerResponse{.body = "moved"} : redirect("new", 307);
  });
  auto file = web.get("/old");
  if (!file) FAIL(file.error().message);
  CHECK(file->name == "old");
  CHECK(content(*file) == "moved");
  for (const auto& [path, error] : {std::pair{"/loop", "more than 10 redirects"},
                                    {"/lost", "a redirect without Location"},
                                    {"/bad", "redirected to what is no URL"}}) {
    auto failed = web.get(path);
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().kind == ErrorKind::InvalidInput);
    CHECK(failed.error().message == "download " + web.server.origin() + path + ": " + error);
  }
}

TEST_CASE("credentials of a URL go to its server and no other, and into no message", "[context]") {
  Fixture other([](const ServerRequest&) { return ServerResponse{.body = "x"}; });
  Fixture web([&](const ServerRequest& request) {
    return request.path == "/away" ? redirect(other.server.origin() + "/there")
                                   : ServerResponse{.status = 404};
  });
  const std::string origin = "http://user:secret@127.0.0.1:" + std::to_string(web.server.port());
  REQUIRE(web.fetch({.url = origin + "/away"}).ok());
  CHECK(web.authorizations == "Basic dXNlcjpzZWNyZXQ= ");
  CHECK(other.authorizations == "- ");
  auto failed = web.fetch({.url = origin + "/none"});
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().message.find("secret") == std::string::npos);
  auto malformed = web.fetch({.url = "http://user:secret@:bad/"});
  REQUIRE_FALSE(malformed.ok());
  CHECK(malformed.error().message.find("secret") == std::string::npos);
}

TEST_CASE("a text is shown without the credentials of its URLs", "[context]") {
  struct Row {
    const char *text, *shown;
  };
  for (const Row& row : {
           Row{"ADD a /b@c", "ADD a /b@c"},
           {"ADD https://u:p@h/x /y", "ADD https://***@h/x /y"},
           {"ADD https://h/x?m=a@b http://u@h /y", "ADD https://h/x?m=a@b http://***@h /y"},
           {"ADD [\"https://u:p@h\", \"/\"]", "ADD [\"https://***@h\", \"/\"]"},
           {"://", "://"},
           {"a://b@", "a://***@"},
       }) {
    CHECK(without_credentials(row.text) == row.shown);
  }
  CHECK(shown_url("https://u:p@h:8/a?token=t#f") == "https://h:8/a");
}
