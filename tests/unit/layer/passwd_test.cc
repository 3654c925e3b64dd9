#include "builder/layer/passwd.h"

#include "tests/support/catch.h"

using namespace imagebuild;

namespace {

constexpr char kPasswd[] =
    "root:x:0:0:root:/root:/bin/sh\n"
    "# a comment\n"
    "broken line\n"
    "alsobroken:x:abc:5::/x:/bin/sh\n"
    "node:x:1000:1001:Node:/home/node:/bin/sh\r\n"
    "homeless:x:1005:1005::\n"
    "big:x:70000:70000::/home/big:/bin/sh\n"
    "node:x:9:9:second:/nowhere:/bin/sh";

constexpr char kGroup[] =
    "root:x:0:\n"
    "audio:x:29:node,other\n"
    "broken:x\n"
    "docker:x:998:someone,node\n"
    "node:x:1001:node\n"
    "nodes:x:1002:nodeX\n";

}  // namespace

TEST_CASE("USER is resolved as the runtime does it") {
  struct Row {
    const char* user;
    std::uint32_t uid;
    std::uint32_t gid;
    std::vector<std::uint32_t> groups;
    const char* home;
  };
  for (const Row& row : {Row{"", 0, 0, {}, "/root"},
                         {"root", 0, 0, {}, "/root"},
                         {"node", 1000, 1001, {29, 998}, "/home/node"},
                         {"1000", 1000, 1001, {29, 998}, "/home/node"},
                         {"node:audio", 1000, 29, {}, "/home/node"},
                         {"node:7", 1000, 7, {}, "/home/node"},
                         {"1234", 1234, 0, {}, "/"},
                         {"1234:node", 1234, 1001, {}, "/"},
                         {"1234:5678", 1234, 5678, {}, "/"},
                         {"homeless", 1005, 1005, {}, "/"}}) {
    INFO(row.user);
    auto user = resolve_user(row.user, kPasswd, kGroup);
    REQUIRE(user.ok());
    CHECK(user->uid == row.uid);
    CHECK(user->gid == row.gid);
    CHECK(user->supplementary_groups == row.groups);
    CHECK(user->home == row.home);
  }
}

TEST_CASE("an unknown or impossible user is an error that says where it looked") {
  struct Row {
    const char* user;
    const char* message;
  };
  for (const Row& row : {Row{"nobody", "user nobody is not in /etc/passwd"},
                         {"node:nogroup", "group nogroup is not in /etc/group"},
                         {"alsobroken", "user alsobroken is not in /etc/passwd"},
                         {"65535", "id 65535 is not between 0 and 65534"},
                         {"99999999999999", "id 99999999999999 is not between 0 and 65534"},
                         {"big", "id 70000 is not between 0 and 65534"},
                         {":node", "user ':node': expected user or user:group"},
                         {"node:", "user 'node:': expected user or user:group"},
                         {"a:b:c", "user 'a:b:c': expected user or user:group"}}) {
    auto user = resolve_user(row.user, kPasswd, kGroup);
    REQUIRE_FALSE(user.ok());
    CHECK(user.error().kind == ErrorKind::InvalidInput);
    CHECK(user.error().message == row.message);
  }
}

TEST_CASE("an image without /etc/passwd has root and numbers") {
  CHECK(resolve_user("", "", "")->uid == 0);
  CHECK(resolve_user("12", "", "")->uid == 12);
  CHECK_FALSE(resolve_user("root", "", "").ok());
}

TEST_CASE("--chown without a group: a name has its own, a number is both") {
  CHECK(resolve_owner("node", kPasswd, kGroup)->gid == 1001);
  CHECK(resolve_owner("1000", kPasswd, kGroup)->gid == 1000);
  CHECK(resolve_owner("55:docker", kPasswd, kGroup)->gid == 998);
  CHECK(resolve_owner("root:1", kPasswd, kGroup)->gid == 1);
  CHECK_FALSE(resolve_owner("", kPasswd, kGroup).ok());
  CHECK_FALSE(resolve_owner("nobody", kPasswd, kGroup).ok());
}
