#include "common/http/proxy.h"
#include "common/http/transport.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::http;

TEST_CASE("URLs are split without touching their path") {
  auto url = parse_url("https://registry.example:5000/v2/a%2Fb?sig=x%3D%3D&y=+#frag");
  REQUIRE(url.ok());
  CHECK(url->origin() == "https://registry.example:5000");
  CHECK(url->path_and_query == "/v2/a%2Fb?sig=x%3D%3D&y=+");
  CHECK(parse_url("http://[::1]:80/")->origin() == "http://[::1]");
  for (const char* bad : {"", "ftp://x/", "http://", "http://h:0/", "http://h:99999/",
                          "http://h:5x/", "http://u:p@h/", "http://h/a b", "//h/"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_url(bad).ok());
  }
}

TEST_CASE("Location headers resolve as browsers do") {
  CHECK(*resolve_url("http://a:1/v2/x?y", "/up/1?s=2") == "http://a:1/up/1?s=2");
  CHECK(*resolve_url("http://a:1/v2/x?y", "https://b/z") == "https://b/z");
  CHECK(*resolve_url("http://a:1/v2/x?y", "next") == "http://a:1/v2/next");
  CHECK(*resolve_url("http://a:1/v2/x?y", "?q") == "http://a:1/v2/x?q");
}

TEST_CASE("proxies come from the environment, with exceptions") {
  struct Row {
    const char* url;
    const char* no_proxy;
    bool proxied;
  };
  for (const Row& row :
       {Row{"http://registry.example/", "", true},
        Row{"http://registry.example/", "example", false},
        Row{"http://registry.example/", ".example", false},
        Row{"http://registry.example/", "*.example", false},
        Row{"http://badexample/", "example", true}, Row{"http://10.1.2.3/", "10.0.0.0/8", false},
        Row{"http://11.1.2.3/", "10.0.0.0/8", true}, Row{"http://h:81/", "h:80", true},
        Row{"http://h:80/", "a, h:80", false}, Row{"http://127.0.0.1/", "", false},
        Row{"http://x/", "*", false}}) {
    CAPTURE(row.url, row.no_proxy);
    auto environment = [&](const char* name) -> const char* {
      if (std::string_view(name) == "http_proxy") return "proxy:3128";
      if (std::string_view(name) == "NO_PROXY") return row.no_proxy;
      return nullptr;
    };
    auto proxy = find_proxy(*parse_url(row.url), environment);
    CHECK(proxy.has_value() == row.proxied);
    if (proxy) CHECK(*proxy == "http://proxy:3128");
  }
}
