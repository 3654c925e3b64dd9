#include "operator/runtime/object_store.h"

#include "tests/support/catch.h"

using namespace imagebuild::runtime;

namespace {
ErasedProjection value(int number) { return std::make_shared<const int>(number); }
int number(const ErasedProjection& erased) {
  return erased ? *std::static_pointer_cast<const int>(erased) : 0;
}
}  // namespace

TEST_CASE("a put reports what changed") {
  ObjectStore store;
  ObjectKey key{"a", "x"};
  struct Row {
    const char* name;
    ObjectStore::Entry entry;
    std::vector<std::pair<int, int>> changes;  // before, after; 0 is none
  };
  for (const Row& row : {
           Row{"new", {"u1", "1", value(1)}, {{0, 1}}},
           Row{"the same version", {"u1", "1", value(2)}, {}},
           Row{"a newer version", {"u1", "2", value(3)}, {{1, 3}}},
           Row{"another object of that name", {"u2", "3", value(4)}, {{3, 0}, {0, 4}}},
           Row{"no longer wanted", {"u2", "4", nullptr}, {{4, 0}}},
           Row{"still not wanted", {"u2", "5", nullptr}, {}},
       }) {
    CAPTURE(row.name);
    std::vector<std::pair<int, int>> changes;
    for (const auto& change : store.put(key, row.entry))
      changes.emplace_back(number(change.before), number(change.after));
    CHECK(changes == row.changes);
  }
  CHECK(store.size() == 0);
}

TEST_CASE("what a new list no longer has is erased, in its namespace only") {
  ObjectStore store;
  for (const char* name : {"x", "y"})
    for (const char* space : {"a", "b"}) store.put({space, name}, {"u", "1", value(1)});
  auto changes = store.erase_missing("a", {{"a", "y"}});
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].key == ObjectKey{"a", "x"});
  CHECK_FALSE(changes[0].after);
  CHECK(store.size() == 3);
  CHECK(store.erase_missing("", {}).size() == 3);
}
