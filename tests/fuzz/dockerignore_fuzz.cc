// .dockerignore: the first line is a path, the rest the file.
#include "common/patterns/ignore_rules.h"
#include "tests/fuzz/fuzz_target.h"

using namespace imagebuild;
using namespace imagebuild::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  std::size_t end = text.find('\n');
  if (end == std::string_view::npos || end > 4096) return 0;
  std::string_view path = text.substr(0, end);
  auto rules = IgnoreRules::parse(text.substr(end + 1));
  if (!rules) {
    promise(rules.error().kind == ErrorKind::InvalidInput, "a bad pattern is bad input");
    return 0;
  }
  bool ignored = rules->ignored(path);
  promise(!(ignored && rules->empty()), "no rules ignore nothing");
  // What a walk may pass over holds nothing that is wanted.
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (slash == 0 || rules->may_contain_included(path.substr(0, slash))) continue;
    promise(ignored, "what a walk passes over is ignored");
    break;
  }
  return 0;
}
