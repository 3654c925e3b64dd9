#include "operator/page/hosts.h"

#include "tests/support/catch.h"

using imagebuild::page::AllowedHosts;

TEST_CASE("a page on the loopback is asked by loopback names only") {
  const AllowedHosts hosts("127.0.0.1:8082", {});
  for (const char* name : {"localhost", "localhost:8082", "LOCALHOST:1", "127.0.0.1",
                           "127.0.0.2:80", "[::1]", "[::1]:8082"}) {
    INFO(name);
    CHECK(hosts.allow(name));
  }
  for (const char* name :
       {"evil.example", "evil.example:8082", "127.0.0.1.evil.example", "localhost.evil.example:80",
        "127.evil.example", "", ":8082", "[::2]", "128.0.0.1", "0.0.0.0:8082"}) {
    INFO(name);
    CHECK_FALSE(hosts.allow(name));
  }
}

TEST_CASE("a page on every address is asked by any name unless names are given") {
  CHECK(AllowedHosts("0.0.0.0:8082", {}).allow("images.acme.io"));
  CHECK(AllowedHosts(":8082", {}).allow("10.1.2.3:8082"));
  const AllowedHosts named("0.0.0.0:8082", {"Images.acme.io"});
  CHECK(named.allow("images.ACME.io:443"));
  CHECK(named.allow("localhost:8082"));
  CHECK_FALSE(named.allow("other.acme.io"));
}

TEST_CASE("names given to a page on the loopback are allowed beside localhost") {
  const AllowedHosts hosts("localhost:8082", {"images.acme.io"});
  CHECK(hosts.allow("images.acme.io"));
  CHECK(hosts.allow("127.0.0.1:8082"));
  CHECK_FALSE(hosts.allow("evil.example"));
}
