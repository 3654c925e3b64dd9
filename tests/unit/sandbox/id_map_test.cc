#include "builder/sandbox/id_map.h"

#include "tests/support/catch.h"

using namespace imagebuild;

namespace {

IdFacts root_of_machine() {
  IdFacts facts;
  facts.uid_map = facts.gid_map = {{0, 0, 4294967295u}};
  facts.cap_setuid = facts.cap_setgid = true;
  return facts;
}

IdFacts root_of_pod_namespace() {
  IdFacts facts = root_of_machine();
  facts.uid_map = facts.gid_map = {{0, 1763770368, 65536}};
  facts.in_pod = true;
  return facts;
}

IdFacts ordinary_user() {
  IdFacts facts;
  facts.uid = facts.gid = 1000;
  facts.user = "ada";
  facts.uid_map = facts.gid_map = {{0, 0, 4294967295u}};
  facts.subuid = facts.subgid = "root:500000:65536\nada:100000:65536\n";
  return facts;
}

}  // namespace

TEST_CASE("uid 0 of a pod's user namespace maps everything but itself") {
  const auto plan = choose_id_plan(root_of_pod_namespace());
  REQUIRE(plan);
  CHECK(plan->method == IdMapMethod::PodUserNamespace);
  CHECK(plan->uids == IdRanges{{0, 1, 65535}});
  CHECK(plan->gids == IdRanges{{0, 1, 65535}});
}

TEST_CASE("a namespace of two extents is as good as one when they touch") {
  IdFacts facts = root_of_pod_namespace();
  facts.uid_map = {{1, 100000, 65536}, {0, 1000, 1}};
  facts.gid_map = {{0, 1000, 1}, {1, 100000, 65536}};
  const auto plan = choose_id_plan(facts);
  REQUIRE(plan);
  CHECK(plan->uids == IdRanges{{0, 1, 65536}});
}

TEST_CASE("root of a machine gets a subordinate range, never the ids of people") {
  struct Row {
    const char* subuid;
    std::uint32_t first;
  };
  for (const Row& row : std::vector<Row>{{"", 0x70000000},
                                         {"root:200000:65536\n", 200000},
                                         {"0:300000:65536\n", 300000},
                                         {"root:1:65535\nroot:400000:65536\n", 400000},
                                         {"root:1000:65536\n", 0x70000000},
                                         {"ada:100000:65536\n", 0x70000000}}) {
    IdFacts facts = root_of_machine();
    facts.subuid = row.subuid;
    const auto plan = choose_id_plan(facts);
    CAPTURE(row.subuid);
    REQUIRE(plan);
    CHECK(plan->method == IdMapMethod::SubordinateRoot);
    CHECK(plan->uids == IdRanges{{0, row.first, 65536}});
  }
}

TEST_CASE("an ordinary user gets the subordinate ids without its own") {
  struct Row {
    const char* name;
    const char* subuid;
    IdRanges uids;
  };
  for (const Row& row :
       std::vector<Row>{{"one range", "ada:100000:65536\n", {{0, 100000, 65536}}},
                        {"by number", "1000:100000:65536\n", {{0, 100000, 65536}}},
                        {"own uid inside", "ada:1:65535\n", {{0, 1, 999}, {999, 1001, 64535}}},
                        {"own uid first", "ada:1000:10\n", {{0, 1001, 9}}},
                        {"own uid last", "ada:991:10\n", {{0, 991, 9}}},
                        {"two ranges",
                         "ada:100000:1000\nada:300000:65536\n",
                         {{0, 100000, 1000}, {1000, 300000, 64536}}},
                        {"broken lines",
                         "ada:x:1\nada:100\n\nada:4294967295:2\nada:100000:65536\n",
                         {{0, 100000, 65536}}}}) {
    IdFacts facts = ordinary_user();
    facts.subuid = row.subuid;
    CAPTURE(row.name);
    const auto plan = choose_id_plan(facts);
    REQUIRE(plan);
    CHECK(plan->method == IdMapMethod::NewIdMap);
    CHECK(plan->uids == row.uids);
  }
}

TEST_CASE("a plan that cannot be is refused with the missing permission") {
  struct Row {
    const char* name;
    IdFacts facts;
    const char* says;
  };
  std::vector<Row> rows;
  IdFacts facts = root_of_machine();
  facts.in_pod = true;
  rows.push_back({"uid 0 of the node, in a pod", facts, "hostUsers: false"});
  facts = root_of_pod_namespace();
  facts.cap_setuid = false;
  rows.push_back({"drop ALL", facts, "add [SETUID, SETGID]"});
  facts = root_of_pod_namespace();
  facts.uid_map = {{0, 1000, 1}};
  rows.push_back({"one id", facts, "maps one id only"});
  facts = ordinary_user();
  facts.newuidmap_problem = "newuidmap is not installed (Debian package uidmap)";
  rows.push_back({"no newuidmap", facts, "newuidmap is not installed"});
  facts = ordinary_user();
  facts.newgidmap_problem = "/usr/bin/newgidmap has neither";
  rows.push_back({"newgidmap without capabilities", facts, "newgidmap has neither"});
  facts = ordinary_user();
  facts.subuid = "bob:100000:65536\n";
  rows.push_back({"no entry", facts, "/etc/subuid has no entry for ada"});
  facts = ordinary_user();
  facts.user.clear();
  facts.subgid = "";
  facts.subuid = "1000:100000:65536\n";
  rows.push_back({"no group entry, nameless", facts, "/etc/subgid has no entry for 1000"});
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto plan = choose_id_plan(row.facts);
    REQUIRE_FALSE(plan);
    CHECK(plan.error().kind == ErrorKind::Denied);
    CHECK(plan.error().message.find(row.says) != std::string::npos);
  }
}

TEST_CASE("the kernel's id map is three numbers a line") {
  CHECK(*parse_id_map("         0          0 4294967295\n") == IdRanges{{0, 0, 4294967295u}});
  CHECK(*parse_id_map("0 1000 1\n1 100000 65536\n") == IdRanges{{0, 1000, 1}, {1, 100000, 65536}});
  CHECK_FALSE(parse_id_map("0 1000\n"));
  CHECK_FALSE(parse_id_map("0 1000 99999999999\n"));
}
