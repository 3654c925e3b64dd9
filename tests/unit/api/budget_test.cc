#include "common/api/budget.h"

#include "common/api/spec.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::api;

namespace {

constexpr std::uint64_t kMi = 1u << 20;

Result<Spec> spec_with(const std::string& budget) {
  return spec_from_json(*parse_json(
      R"({"source":{"inline":{"files":{"Dockerfile":"FROM scratch"}}},"image":"h/x","budget":)" +
      budget + "}"));
}

}  // namespace

TEST_CASE("a budget is read, and written back as it was meant") {
  auto spec = spec_with(
      R"({"size":"300Mi","growth":"12.5%","own":"1G","layers":40,"enforcement":"Block"})");
  REQUIRE(spec.ok());
  CHECK(spec->budget.size_bytes == 300 * kMi);
  CHECK(spec->budget.growth_percent == 12.5);
  CHECK(spec->budget.own_bytes == 1000000000u);
  CHECK(spec->budget.layers == 40);
  CHECK(spec->budget.enforcement == Budget::Enforcement::Block);
  auto again = spec_from_json(spec_to_json(*spec));
  REQUIRE(again.ok());
  CHECK(dump_json(spec_to_json(*again)) == dump_json(spec_to_json(*spec)));
}

TEST_CASE("a budget that cannot be read names its field") {
  struct Row {
    const char* budget;
    const char* message;
  };
  for (const Row& row :
       {Row{R"({"size":"300 MB"})", "spec.budget.size: expected a positive quantity"},
        Row{R"({"size":"0"})", "spec.budget.size: expected a positive quantity"},
        Row{R"({"own":"-1Mi"})", "spec.budget.own: expected a positive quantity"},
        Row{R"({"growth":"20"})", "spec.budget.growth: expected a percentage"},
        Row{R"({"growth":"-5%"})", "spec.budget.growth: expected a percentage"},
        Row{R"({"growth":"nan%"})", "spec.budget.growth: expected a percentage"},
        Row{R"({"layers":0})", "spec.budget.layers"},
        Row{R"({"layers":128})", "spec.budget.layers"},
        Row{R"({"enforcement":"Block"})", "spec.budget: expected at least one"},
        Row{R"({})", "spec.budget: expected at least one"},
        Row{R"({"size":"1Mi","enforcement":"Deny"})", "spec.budget.enforcement"},
        Row{R"({"size":"1Mi","files":3})", "spec.budget.files"}}) {
    CAPTURE(row.budget);
    auto spec = spec_with(row.budget);
    REQUIRE_FALSE(spec.ok());
    CHECK(spec.error().message.find(row.message) == 0);
  }
}

TEST_CASE("what an image exceeds is told limit by limit") {
  const Budget budget{.size_bytes = 200 * kMi,
                      .growth_percent = 20,
                      .own_bytes = 50 * kMi,
                      .layers = 10,
                      .enforcement = Budget::Enforcement::Warn};
  struct Row {
    const char* name;
    BudgetedSizes sizes;
    std::vector<std::string> exceeded;
  };
  for (const Row& row :
       {Row{"all at their limit", {200 * kMi, 50 * kMi, 10, 200 * kMi}, {}},
        Row{"no baseline, nothing can have grown", {200 * kMi, 1, 1, 0}, {}},
        Row{"size",
            {212 * kMi, 1, 1, 200 * kMi},
            {"212.0 MiB is over spec.budget.size of 200.0 MiB"}},
        Row{"growth",
            {150 * kMi, 1, 1, 100 * kMi},
            {"+50.0 MiB over baseline 100.0 MiB is more than spec.budget.growth of 20%"}},
        Row{"own", {100 * kMi, 51 * kMi, 1, 0}, {"51.0 MiB is over spec.budget.own of 50.0 MiB"}},
        Row{"layers", {1, 1, 11, 0}, {"11 layers are over spec.budget.layers of 10"}}}) {
    CAPTURE(row.name);
    CHECK(exceeded_limits(budget, row.sizes) == row.exceeded);
  }
  CHECK(exceeded_limits(budget, {300 * kMi, 60 * kMi, 11, kMi}).size() == 4);
  CHECK(exceeded_limits(Budget{}, {300 * kMi, 60 * kMi, 11, kMi}).empty());
}
