#include "common/yaml/yaml.h"

#include "tests/support/catch.h"

using namespace imagebuild;

TEST_CASE("plain scalars are typed by the core schema, quoted ones are strings") {
  struct Row {
    const char* yaml;
    Json expected;
  };
  const Row rows[] = {
      {"1", 1},           {"-7", -7},
      {"0x1f", 31},       {"0o17", 15},
      {"010", 10},        {"1.5", 1.5},
      {"1e3", 1000.0},    {".5", 0.5},
      {"true", true},     {"False", false},
      {"~", nullptr},     {"null", nullptr},
      {"\"1\"", "1"},     {"'true'", "true"},
      {"\"~\"", "~"},     {"yes", "yes"},
      {"on", "on"},       {"1.2.3", "1.2.3"},
      {"12:30", "12:30"}, {"!!str 5", "5"},
      {"1h", "1h"},       {"+", "+"},
      {"-", "-"},         {".", "."},
      {"e5", "e5"},       {"18446744073709551615", 18446744073709551615ull},
  };
  for (const Row& row : rows) {
    INFO(row.yaml);
    auto value = parse_yaml(std::string("v: ") + row.yaml);
    if (std::string(row.yaml) == "-") {  // an empty sequence entry, not a scalar
      CHECK_FALSE(value.ok());
      continue;
    }
    REQUIRE(value.ok());
    CHECK((*value)["v"] == row.expected);
  }
}

TEST_CASE("a Kubernetes object keeps its shape") {
  auto value = parse_yaml(
      "apiVersion: imagebuild.dev/v1alpha1\nkind: ImageBuild\nmetadata: {name: web}\nspec:\n"
      "  source:\n    inline:\n      files:\n        Dockerfile: |\n          FROM alpine:3.10\n   "
      "       RUN true\n"
      "  args: [{name: VERSION, value: \"1.20\"}]\n");
  REQUIRE(value.ok());
  CHECK((*value)["spec"]["source"]["inline"]["files"]["Dockerfile"] ==
        "FROM alpine:3.10\nRUN true\n");
  CHECK((*value)["spec"]["args"][0]["value"] == "1.20");
}

TEST_CASE("errors name the line") {
  CHECK(parse_yaml("a: 1\nb: [1,\nc: }").error().message.find("line 3") != std::string::npos);
  CHECK(parse_yaml("a: 1\nb: 2\na: 3").error().message ==
        "YAML line 3: the key \"a\" stands here twice");
  CHECK(parse_yaml("a: .nan").error().message == "YAML line 1: .nan has no JSON value");
  CHECK(parse_yaml("? [x]\n: y").error().message.find("key must be") != std::string::npos);
  CHECK_FALSE(parse_yaml("a: !!python/object x").ok());
  CHECK_FALSE(parse_yaml("a: &x {b: 1}\nc: {<<: *x}").ok());
  CHECK_FALSE(parse_yaml("a: *nowhere").ok());
}

TEST_CASE("several documents are a list; parse_yaml wants one") {
  CHECK(parse_yaml_documents("---\na: 1\n---\n# nothing\n---\nb: 2\n")->size() == 2);
  CHECK_FALSE(parse_yaml("a: 1\n---\nb: 2\n").ok());
  CHECK(parse_yaml("")->is_null());
  CHECK(parse_yaml("{\"json\": [1, \"x\"]}")->dump() == "{\"json\":[1,\"x\"]}");
}

TEST_CASE("attack: billion laughs is refused before it unfolds") {
  std::string text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    std::string last = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) text += (j ? "," : "") + last;
    text += "]\n";
  }
  CHECK(parse_yaml(text).error().message.find("aliases") != std::string::npos);
}

TEST_CASE("attack: nesting without end and an anchor inside itself end in an error") {
  CHECK_FALSE(parse_yaml(std::string(100'000, '[')).ok());
  CHECK_FALSE(parse_yaml(std::string(300, '[') + std::string(300, ']')).ok());
  CHECK_FALSE(parse_yaml("a: &a [*a]").ok());
  CHECK_FALSE(parse_yaml(std::string("a: \0b", 5)).ok());
}
