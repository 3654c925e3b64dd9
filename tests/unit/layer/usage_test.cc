#include "builder/layer/usage.h"

#include "tests/unit/layer/tree.h"

using namespace imagebuild;
using namespace imagebuild::testing;

namespace {

bool can_run() { return may_chown() && has_user_xattrs(); }

std::string bytes(std::size_t count) { return std::string(count, 'x'); }

ImageUsage measure(const std::vector<const Tree*>& trees, std::vector<std::size_t> uppers = {},
                   UsageOptions options = {}) {
  std::vector<UsageLayer> layers;
  for (const Tree* tree : trees) layers.push_back({tree->fd(), false});
  for (std::size_t upper : uppers) layers[upper].from_upper = true;
  auto usage = measure_usage(layers, options);
  if (!usage.ok()) FAIL(usage.error().message);
  return *usage;
}

using HiddenBy = std::map<std::size_t, std::uint64_t>;

}  // namespace

TEST_CASE("what a later layer overwrites, removes or replaces is wasted in the earlier one") {
  if (!can_run()) return;
  Tree base, run, last;
  base.file("etc/conf", bytes(10)).file("usr/doc/a", bytes(20)).file("usr/doc/b", bytes(30));
  base.file("opt/tool", bytes(40)).file("seen", bytes(5));
  run.file("etc/conf", bytes(11)).whiteout("usr/doc").file("made", bytes(7));
  last.dir("opt/tool").file("opt/tool/part", bytes(1)).whiteout("made");
  auto usage = measure({&base, &run, &last});
  CHECK(usage.layers[0].hidden == 10 + 20 + 30 + 40);
  CHECK(usage.layers[0].hidden_by == HiddenBy{{1, 60}, {2, 40}});
  CHECK(usage.layers[1].hidden == 7);
  CHECK(usage.layers[1].hidden_by == HiddenBy{{2, 7}});
  CHECK(usage.layers[2].hidden == 0);
}

TEST_CASE("the first layer that hides is the one that wastes") {
  if (!can_run()) return;
  Tree base, removes, makes_again;
  base.file("d/f", bytes(10));
  removes.whiteout("d");
  makes_again.file("d/f", bytes(3));
  auto usage = measure({&base, &removes, &makes_again});
  CHECK(usage.layers[0].hidden_by == HiddenBy{{1, 10}});
  CHECK(usage.layers[2].hidden == 0);
}

TEST_CASE("an opaque directory hides all that was in it") {
  if (!can_run()) return;
  Tree base, opaque;
  base.file("d/a", bytes(10)).file("d/e/b", bytes(20));
  opaque.file("d/a", bytes(1)).xattr("d", "user.overlay.opaque", "y");
  CHECK(measure({&base, &opaque}).layers[0].hidden == 30);
}

TEST_CASE("a copied-up file that did not change is not in RUN's layer, a copied one is") {
  if (!can_run()) return;
  Tree base, upper;
  base.file("f", bytes(10));
  upper.file("f", bytes(10));
  CHECK(measure({&base, &upper}, {1}).layers[0].hidden == 0);
  CHECK(measure({&base, &upper}).layers[0].hidden == 10);
  upper.file("f", bytes(10), 0644, 0, 101);  // touched
  CHECK(measure({&base, &upper}, {1}).layers[0].hidden == 10);
}

TEST_CASE("a file with several names counts once, and is wasted only when all names are hidden") {
  if (!can_run()) return;
  Tree base, one, both;
  base.file("a", bytes(10)).hard("b", "a");
  one.whiteout("a");
  both.whiteout("a").whiteout("b");
  CHECK(measure({&base, &one}).layers[0].hidden == 0);
  CHECK(measure({&base, &both}).layers[0].hidden == 10);
}

TEST_CASE("the largest files that can be seen are named with their layer") {
  if (!can_run()) return;
  Tree base, run;
  base.file("small", bytes(1)).file("big", bytes(90)).file("gone", bytes(99));
  run.whiteout("gone").file("d/middle", bytes(50));
  auto usage = measure({&base, &run}, {}, {.watched = {}, .largest = 2});
  REQUIRE(usage.largest.size() == 2);
  CHECK(usage.largest[0].path == "big");
  CHECK(usage.largest[0].layer == 0);
  CHECK(usage.largest[1].path == "d/middle");
  CHECK(usage.largest[1].bytes == 50);
  CHECK(usage.largest[1].layer == 1);
}

TEST_CASE("what lies in watched places is counted by place and layer") {
  if (!can_run()) return;
  Tree base, run;
  base.file("var/lib/apt/lists/old", bytes(5));
  run.file("var/lib/apt/lists/new", bytes(10)).file("home/ann/.npm/x/y", bytes(20));
  run.file("home/.npm", bytes(40)).whiteout("var/lib/apt/lists/old");
  auto usage =
      measure({&base, &run}, {}, {.watched = {"var/lib/apt/lists", "home/*/.npm"}, .largest = 0});
  CHECK(usage.layers[0].watched.empty());
  CHECK(usage.layers[1].watched == std::map<std::size_t, std::uint64_t>{{0, 10}, {1, 20}});
  CHECK(usage.largest.empty());
}
