#include "builder/sandbox/run_steps.h"

#include "builder/sandbox/oom.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::sandbox;

TEST_CASE("RUN's hosts file is the builder's with what was asked for") {
  CHECK(hosts_content("127.0.0.1\tlocalhost", "box", {{"db", "10.0.0.1"}, {"db6", "fd00::1"}}) ==
        "127.0.0.1\tlocalhost\n127.0.1.1\tbox\n10.0.0.1\tdb\nfd00::1\tdb6\n");
  CHECK(hosts_content("", "", {}).empty());
}

TEST_CASE("RUN gets mount points for the kernel's trees and the bound files") {
  RunSpec spec;
  spec.resolv_conf = "nameserver 10.0.0.10\n";
  spec.hosts = "";
  spec.hostname = "box";
  const auto files = bound_files(spec);
  REQUIRE(files.size() == 3);
  CHECK(files[0].content == "nameserver 10.0.0.10\n");
  CHECK(files[2].content == "box\n");
  CHECK(mount_points(files, spec, {}).size() == 6);
}

TEST_CASE("OOM kills are counted in both cgroup versions") {
  CHECK(parse_oom_kills("low 0\nhigh 0\nmax 5\noom 2\noom_kill 1\noom_group_kill 0\n") == 1);
  CHECK(parse_oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n") == 7);
  CHECK_FALSE(parse_oom_kills("oom_kill_disable 0\n"));
  CHECK_FALSE(parse_oom_kills(""));
}
