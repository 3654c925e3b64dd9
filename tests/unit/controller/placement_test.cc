#include "operator/controller/placement.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::controller;

namespace {

const Json kBuilds = {{"key", "builds"}, {"operator", "Exists"}, {"effect", "NoSchedule"}};
const Json kSpot = {{"key", "spot"}, {"value", "yes"}};

Json placed(const Placement& common, const api::Pod& own) {
  Json spec = Json::object();
  place(spec, common, own);
  return spec;
}

}  // namespace

TEST_CASE("a pod that nobody places has neither field") {
  CHECK(placed({}, {}) == Json::object());
  CHECK(placed({}, {.tolerations = Json::array()}) == Json::object());
}

TEST_CASE("an ImageBuild adds node labels, and its value of the same label counts") {
  const Placement common{.node_selector = {{"pool", "builds"}, {"arch", "amd64"}}};
  CHECK(placed(common, {})["nodeSelector"] == Json({{"pool", "builds"}, {"arch", "amd64"}}));
  CHECK(placed(common, {.node_selector = {{"pool", "large"}, {"disk", "ssd"}}})["nodeSelector"] ==
        Json({{"pool", "large"}, {"arch", "amd64"}, {"disk", "ssd"}}));
}

TEST_CASE("an ImageBuild's tolerations come beside the common ones, each once") {
  const Placement common{.tolerations = Json::array({kBuilds})};
  CHECK(placed(common, {})["tolerations"] == Json::array({kBuilds}));
  CHECK(placed(common, {.tolerations = Json::array({kSpot, kBuilds})})["tolerations"] ==
        Json::array({kBuilds, kSpot}));
  CHECK(placed({}, {.tolerations = Json::array({kSpot})})["tolerations"] == Json::array({kSpot}));
}

TEST_CASE("node labels are read as KEY=VALUE") {
  auto labels = parse_node_selector({"pool=builds", "example.com/ssd=", "pool=builds"});
  REQUIRE(labels.ok());
  CHECK(*labels == std::map<std::string, std::string>{{"pool", "builds"}, {"example.com/ssd", ""}});
  const std::string long_name(64, 'n');
  for (const std::string& bad :
       {std::string("pool"), std::string("=x"), std::string(""), std::string("-pool=x"),
        std::string("a/b/c=x"), std::string("Example.com/pool=x"), std::string("pool=a=b"),
        std::string("pool=two words"), long_name + "=x", "pool=" + long_name,
        std::string(100'000, 'k') + "=x"}) {
    CAPTURE(bad.substr(0, 80));
    CHECK_FALSE(parse_node_selector({bad}).ok());
  }
  auto twice = parse_node_selector({"pool=a", "pool=b"});
  REQUIRE_FALSE(twice.ok());
  CHECK(twice.error().message ==
        "no node has two values of the label 'pool', which is given twice");
}

TEST_CASE("tolerations are read as Kubernetes' own JSON") {
  for (const char* good : {
           "[]",
           R"([{"operator": "Exists"}])",
           R"([{"key": "a"}])",
           R"([{"key": "example.com/a", "operator": "Equal", "value": "b", "effect": "NoExecute",
                "tolerationSeconds": 30}])",
           R"([{"key": "a", "effect": "NoSchedule"}, {"key": "b", "effect": "PreferNoSchedule"}])",
       }) {
    CAPTURE(good);
    auto list = parse_tolerations(good);
    REQUIRE(list.ok());
    CHECK(*list == *parse_json(good));
  }
}

TEST_CASE("a toleration that the API server would refuse is refused before a pod is made") {
  const std::pair<const char*, const char*> rows[] = {
      {R"({"key": "a"})", "expected a list of tolerations"},
      {R"(["a"])", "[0]: expected an object"},
      {R"([{"key": "a"}, {"kye": "b"}])", "[1].kye: unknown field"},
      {R"([{"key": "a"}, {"key": "b", "effct": "NoExecute"}])", "[1].effct: unknown field"},
      {R"([{"key": "a b"}])", "[0].key: \"a b\" is not a label's key"},
      {R"([{"key": 1}])", "[0].key: expected a string"},
      {R"([{}])", "[0].operator: must be Exists where there is no key"},
      {R"([{"key": "a", "operator": "In"}])", "[0].operator: \"In\" is not one of Equal, Exists"},
      {R"([{"key": "a", "operator": "Exists", "value": "b"}])", "[0].value: must be empty"},
      {R"([{"key": "a", "value": "b c"}])", "[0].value: \"b c\" is not a label's value"},
      {R"([{"key": "a", "effect": "Never"}])", "[0].effect: \"Never\" is not one of NoSchedule, "},
      {R"([{"key": "a", "tolerationSeconds": 5}])", "[0].effect: must be NoExecute"},
      {R"([{"key": "a", "tolerationSeconds": "5"}])", "[0].tolerationSeconds: expected an integer"},
  };
  for (const auto& [text, message] : rows) {
    CAPTURE(text);
    auto list = parse_tolerations(text);
    REQUIRE_FALSE(list.ok());
    CHECK(list.error().message.find(message) != std::string::npos);
    CAPTURE(list.error().message);
  }
  CHECK_FALSE(parse_tolerations("builds").ok());
}
