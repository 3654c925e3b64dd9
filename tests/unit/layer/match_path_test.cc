#include "builder/layer/copy.h"
#include "tests/support/catch.h"

using namespace imagebuild;

TEST_CASE("wildcards match as Go's filepath.Match") {
  struct Row {
    const char* pattern;
    const char* path;
    bool matches;
  };
  for (const Row& row : {Row{"abc", "abc", true},
                         {"*", "abc", true},
                         {"*c", "abc", true},
                         {"a*", "a", true},
                         {"a*", "ab/c", false},
                         {"a*/b", "abc/b", true},
                         {"a*/b", "a/c/b", false},
                         {"a*b*c*d*e*/f", "axbxcxdxe/f", true},
                         {"a*b*c*d*e*/f", "axbxcxdxexxx/f", true},
                         {"a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false},
                         {"a*b?c*x", "abxbbxdbxebxczzx", true},
                         {"a*b?c*x", "abxbbxdbxebxczzy", false},
                         {"ab[c]", "abc", true},
                         {"ab[b-d]", "abc", true},
                         {"ab[e-g]", "abc", false},
                         {"ab[^c]", "abc", false},
                         {"ab[^e-g]", "abc", true},
                         {"a\\*b", "a*b", true},
                         {"a\\*b", "ab", false},
                         {"a?b",
                          "a\xe2\x98\xba"
                          "b",
                          true},
                         {"a[^a]b",
                          "a\xe2\x98\xba"
                          "b",
                          true},
                         {"a???b",
                          "a\xe2\x98\xba"
                          "b",
                          false},
                         {"[a-\xce\xb6]*", "\xce\xb1", true},
                         {"*[a-\xce\xb6]", "A", false},
                         {"a?b", "a/b", false},
                         {"a*b", "a/b", false},
                         {"[\\]a]", "]", true},
                         {"[\\-]", "-", true},
                         {"[x\\-]", "x", true},
                         {"[x\\-]", "z", false},
                         {"*x", "xxx", true},
                         {"a[/]b", "a/b", false},
                         {"", "", true},
                         {"?", "", false},
                         {"*", "", true},
                         {"arr[[]0].txt", "arr[0].txt", true},
                         {"*.go", ".go", true},
                         {"a**b", "axxb", true}}) {
    INFO(row.pattern << " on " << row.path);
    auto result = match_path(row.pattern, row.path);
    REQUIRE(result.ok());
    CHECK(*result == row.matches);
  }
}

TEST_CASE("a bad pattern is an error, whatever it is tried on") {
  for (const char* pattern :
       {"[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "a[b", "\\", "*\\"}) {
    INFO(pattern);
    CHECK(match_path(pattern, "zzz").error().kind == ErrorKind::InvalidInput);
  }
}

TEST_CASE("a pattern of many stars does not take forever") {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  CHECK_FALSE(*match_path(pattern + "b", std::string(5000, 'a')));
}
