#include "common/base/json.h"

#include "common/base/sha256.h"
#include "tests/support/catch.h"

using namespace imagebuild;

TEST_CASE("JSON errors are values with a position") {
  CHECK(parse_json("{\"a\":1}").ok());
  CHECK(parse_json("{\"a\":").error().kind == ErrorKind::InvalidInput);
  CHECK(parse_json("").error().message.find("byte") != std::string::npos);
}

TEST_CASE("JSON nested without end is refused") {
  CHECK_FALSE(parse_json(std::string(100000, '[')).ok());
  CHECK_FALSE(parse_json(std::string(1000, '[') + std::string(1000, ']')).ok());
}

TEST_CASE("typed look-ups name the field that is wrong") {
  Json object = {{"name", "web"}, {"count", "three"}, {"none", nullptr}};
  CHECK(**find_string(object, "name") == "web");
  CHECK_FALSE(find_string(object, "absent")->has_value());
  CHECK_FALSE(find_string(object, "none")->has_value());
  CHECK(find_int(object, "count").error().message == "count: expected an integer");
  CHECK(string_at({{"a", {{"b", "c"}}}}, {"a", "b"}) == "c");
  CHECK(string_at({{"a", {{"b", 1}}}}, {"a", "b"}).empty());
}

TEST_CASE("SHA-256 of parts keeps the borders between them") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 left, right;
  left.update_part("ab");
  left.update_part("c");
  right.update_part("a");
  right.update_part("bc");
  CHECK(left.finish_hex() != right.finish_hex());
}
