#include "common/base/result.h"

#include <cerrno>
#include <memory>

#include "tests/support/catch.h"

using namespace imagebuild;

namespace {
Result<int> half(int n) {
  if (n % 2 != 0) return fail(ErrorKind::InvalidInput, std::to_string(n) + " is odd");
  return n / 2;
}
Result<int> quarter(int n) {
  int first = TRY_CONTEXT(half(n), "first half");
  return TRY(half(first));
}
Result<void> check(int n) {
  (void)TRY(half(n));
  return {};
}
}  // namespace

TEST_CASE("TRY passes values on and errors out, with context in front") {
  CHECK(*quarter(8) == 2);
  CHECK(quarter(3).error().message == "first half: 3 is odd");
  CHECK(quarter(6).error().message == "3 is odd");
  CHECK(check(4).ok());
  CHECK(check(5).error().kind == ErrorKind::InvalidInput);
}

TEST_CASE("a move-only value travels through a Result") {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  auto value = *std::move(result);
  CHECK(*value == 7);
}

TEST_CASE("errno decides the kind of an error") {
  CHECK(errno_error("open x", ENOENT).kind == ErrorKind::NotFound);
  CHECK(errno_error("open x", EPERM).kind == ErrorKind::Denied);
  CHECK(errno_error("write", ENOSPC).kind == ErrorKind::Transient);
  CHECK(errno_error("open x", ENOENT).message == "open x: No such file or directory");
}
