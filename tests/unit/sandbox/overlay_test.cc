#include "builder/sandbox/overlay.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::sandbox;

TEST_CASE("overlay options put the last layer on top and never lack userxattr") {
  struct Row {
    const char* name;
    OverlayMount mount;
    const char* options;
  };
  for (const Row& row : std::vector<Row>{
           {"scratch, read-only", {{}, {}, {}, true}, "userxattr,index=off,lowerdir=e/0:e/1"},
           {"one layer, read-only", {{{1}}, {}, {}, true}, "userxattr,index=off,lowerdir=l/1:e/0"},
           {"two layers, read-only",
            {{{1}, {2}}, {}, {}, true},
            "userxattr,index=off,lowerdir=l/2:l/1"},
           {"scratch, writable",
            {{}, {}, LayerId{127}, true},
            "userxattr,index=off,lowerdir=e/0,upperdir=l/7f,workdir=w/7f,volatile"},
           {"scaffold above the layers",
            {{{1}, {2}}, LayerId{3}, LayerId{3}, false},
            "userxattr,index=off,lowerdir=x/3:l/2:l/1,upperdir=l/3,workdir=w/3"}}) {
    CAPTURE(row.name);
    const auto options = overlay_options(row.mount);
    REQUIRE(options);
    CHECK(*options == row.options);
  }
}

TEST_CASE("127 layers fit one page, thousands are an error and not a cut string") {
  LowerList lowers;
  for (std::uint32_t i = 1; i <= 127; ++i) lowers.push_back({i});
  CHECK(overlay_options({lowers, LayerId{128}, LayerId{128}, true}));
  for (std::uint32_t i = 128; i <= 2000; ++i) lowers.push_back({i});
  const auto options = overlay_options({lowers, {}, {}, true});
  REQUIRE_FALSE(options);
  CHECK(options.error().kind == ErrorKind::InvalidInput);
}
