// Image references, platforms and digests: what parses is written back to the same value.
#include "common/oci/digest.h"
#include "common/oci/platform.h"
#include "common/oci/reference.h"
#include "tests/fuzz/fuzz_target.h"

using namespace imagebuild;
using namespace imagebuild::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  if (auto reference = oci::Reference::parse(text)) {
    auto again = oci::Reference::parse(reference->to_string());
    promise(again && *again == *reference, "a reference is written back to itself");
    auto familiar = oci::Reference::parse(reference->familiar());
    promise(familiar && *familiar == *reference, "its short form means the same");
    promise(reference->tag.empty() || oci::is_valid_tag(reference->tag), "its tag is valid");
  }
  if (auto platform = oci::Platform::parse(text)) {
    auto again = oci::Platform::parse(platform->to_string());
    promise(again && *again == *platform, "a platform is written back to itself");
  }
  if (auto digest = oci::Digest::parse(text))
    promise(digest->to_string() == text, "a digest is written back to itself");
  return 0;
}
