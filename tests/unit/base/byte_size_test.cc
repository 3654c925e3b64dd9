#include "common/base/byte_size.h"

#include "tests/support/catch.h"

using namespace imagebuild;

TEST_CASE("bytes read like a person would write them") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1024) == "1.0 KiB");
  CHECK(format_bytes(1048575) == "1.0 MiB");
  CHECK(format_bytes_compact(191259000) == "182.4MiB");
  CHECK(format_delta(0) == "±0 B");
  CHECK(format_delta(-300) == "-300 B");
  CHECK(format_delta(1258291) == "+1.2 MiB");
}

TEST_CASE("Kubernetes quantities become bytes") {
  CHECK(*parse_quantity("300Mi") == 300u << 20);
  CHECK(*parse_quantity("1.5k") == 1500);
  CHECK(*parse_quantity("17") == 17);
  for (const char* bad :
       {"", "Mi", "3 Mi", "3mi", "-1", "1e3Mi", "1..2", "99999999999999999999P"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_quantity(bad).ok());
  }
}
