#include "builder/sandbox/mount_sources.h"

#include "builder/sandbox/messages.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::sandbox;

TEST_CASE("the image's tree needs RUN's own mount points and those that lie in no other mount") {
  const std::vector<MountPoint> asked{{"/dev/shm/x", MountPointKind::Directory},
                                      {"/device", MountPointKind::Directory},
                                      {"/m/a", MountPointKind::File},
                                      {"/etc", MountPointKind::Directory},
                                      {"/m", MountPointKind::Directory}};
  std::vector<std::string> names;
  for (const MountPoint& point : points_in_tree(
           {{"/dev", MountPointKind::Directory}, {"/etc/hosts", MountPointKind::File}}, asked))
    names.push_back(point.path);
  CHECK(names == std::vector<std::string>{"/dev", "/etc/hosts", "/device", "/etc", "/m"});
}

TEST_CASE("mounts are made parents first, and the later of two on one target lies on top") {
  std::vector<RunMount> mounts(4);
  mounts[0].target = "/b/c";
  mounts[1].target = "/b";
  mounts[2].target = "/a";
  mounts[3].target = "/b";
  CHECK(mount_order(mounts) == std::vector<std::size_t>{2, 1, 3, 0});
}

TEST_CASE("a run's mounts and script cross to the worker whole") {
  RunSpec spec;
  spec.argv = {"x"};
  spec.script = ScriptFile{"EOF", "#!/bin/sh\n\xff\n"};
  spec.mounts = {{.kind = RunMount::Kind::Cache,
                  .target = "/t",
                  .read_only = true,
                  .lowers = {{1}, {2}},
                  .source = "/s",
                  .scratch = {3},
                  .cache_key = "k",
                  .sharing = RunMount::Sharing::Locked,
                  .mode = 0750,
                  .uid = 4,
                  .gid = 5,
                  .size = 6,
                  .attachment = 7,
                  .variable = "V"}};
  const auto back = run_spec_from_json(to_json(spec));
  REQUIRE(back);
  CHECK(to_json(*back) == to_json(spec));
  CHECK(back->script->content == spec.script->content);
  CHECK(back->mounts[0].sharing == RunMount::Sharing::Locked);
  CHECK(back->mounts[0].lowers == spec.mounts[0].lowers);
  CHECK(back->mounts[0].variable == "V");
}
